"""Fine-tuned models, read from the registry, and changed: archived, activated, renamed, with notes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, or_, select, update

from core.errors import Conflict, NotFound, SettingsError
from core.models import base_models
from core.models.methods import METHODS
from core.platform.db.tables import DATASETS, JOBS, MODELS
from core.platform.db.uow import UnitOfWork, read
from core.services.training.jobs import MAX_NAME
from core.services.training.models.records import ModelRecord


def list_models(*, include_archived: bool = False) -> list[ModelRecord]:
    """Models, newest first."""
    return _read(*([] if include_archived else [MODELS.c.state == "active"]))


def get_model(id_or_name: str) -> ModelRecord:
    """The model with this id or name. Raises NotFound with the existing names."""
    matches = _read(or_(MODELS.c.id == id_or_name, MODELS.c.name == id_or_name))
    if not matches:
        names = ", ".join(f"“{model.name}”" for model in list_models()[:10]) or "none yet"
        raise NotFound(f"There is no model {id_or_name!r}.", f"Models: {names}.")
    return matches[0]


def _read(*conditions: Any) -> list[ModelRecord]:
    query = (
        select(
            MODELS,
            JOBS.c.name.label("job_name"),
            DATASETS.c.name.label("dataset_name"),
            DATASETS.c.deleted_at.is_not(None).label("dataset_deleted"),
        )
        .join(JOBS, JOBS.c.id == MODELS.c.job_id)
        .join(DATASETS, DATASETS.c.id == MODELS.c.dataset_id)
        .where(*conditions)
        .order_by(MODELS.c.created_at.desc(), MODELS.c.id.desc())
    )
    return [
        ModelRecord(
            **dict(row),
            base_title=base_models.title_of(row["base_model"]),
            method_title=METHODS.get(row["method"]).title if row["method"] in METHODS else row["method"],
        )
        for row in (found._mapping for found in read(query))
    ]


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
