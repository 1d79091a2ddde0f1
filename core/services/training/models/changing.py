"""Changes to a model: archived, activated, renamed, with notes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update

from core.errors import Conflict, SettingsError
from core.platform.db.tables import MODELS
from core.platform.db.uow import UnitOfWork
from core.services.training.jobs import MAX_NAME
from core.services.training.models.reader import get_model
from core.services.training.models.records import ModelRecord


def archive(model_id: str) -> ModelRecord:
    """Archive a model: it is stored, but no longer served or offered."""
    return _set(model_id, state="archived")


def activate(model_id: str) -> ModelRecord:
    """Serve a model again."""
    return _set(model_id, state="active")


def set_notes(model_id: str, notes: str) -> ModelRecord:
    """Replace a model's notes."""
    return _set(model_id, notes=notes)


def rename(model_id: str, name: str) -> ModelRecord:
    """Rename a model. Raises Conflict if the name is taken, SettingsError if it is invalid."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise SettingsError(f"A model's name has 1 to {MAX_NAME} characters, not {len(name)}.", "Choose another.")
    with UnitOfWork() as uow:
        query = select(func.count()).where(MODELS.c.name == name, MODELS.c.id != model_id)
        if uow.execute(query).scalar_one():
            raise Conflict(f"There is already a model called “{name}”.", "Choose another name.")
        uow.execute(update(MODELS).where(MODELS.c.id == model_id).values(name=name))
        uow.commit()
    return get_model(model_id)


def _set(model_id: str, **values: Any) -> ModelRecord:
    with UnitOfWork() as uow:
        uow.execute(update(MODELS).where(MODELS.c.id == model_id).values(**values))
        uow.commit()
    return get_model(model_id)
