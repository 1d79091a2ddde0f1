"""Fine-tuned models, read from the registry."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from core.errors import NotFound
from core.models import base_models
from core.models.methods import METHODS
from core.platform.db.tables import FineTunedModel, FineTuningDataset, FineTuningJob
from core.platform.db.uow import UnitOfWork
from core.services.training.models.records import ModelRecord

_MODELS = FineTunedModel.__table__  # type: ignore[attr-defined]
_JOBS = FineTuningJob.__table__  # type: ignore[attr-defined]
_DATASETS = FineTuningDataset.__table__  # type: ignore[attr-defined]


def list_models(*, include_archived: bool = False) -> list[ModelRecord]:
    """Models, newest first."""
    return _read(*([] if include_archived else [_MODELS.c.state == "active"]))


def get_model(id_or_name: str) -> ModelRecord:
    """The model with this id or name. Raises NotFound with the existing names."""
    matches = _read(or_(_MODELS.c.id == id_or_name, _MODELS.c.name == id_or_name))
    if not matches:
        names = ", ".join(f"“{model.name}”" for model in list_models()[:10]) or "none yet"
        raise NotFound(f"There is no model {id_or_name!r}.", f"Models: {names}.")
    return matches[0]


def _read(*conditions: Any) -> list[ModelRecord]:
    query = (
        select(
            _MODELS,
            _JOBS.c.name.label("job_name"),
            _DATASETS.c.name.label("dataset_name"),
            _DATASETS.c.deleted_at.is_not(None).label("dataset_deleted"),
        )
        .join(_JOBS, _JOBS.c.id == _MODELS.c.job_id)
        .join(_DATASETS, _DATASETS.c.id == _MODELS.c.dataset_id)
        .where(*conditions)
        .order_by(_MODELS.c.created_at.desc(), _MODELS.c.id.desc())
    )
    with UnitOfWork(write=False) as uow:
        rows = uow.session.connection().execute(query).mappings().all()
    return [
        ModelRecord(
            **dict(row),
            base_title=base_models.title_of(row["base_model"]),
            method_title=METHODS.get(row["method"]).title if row["method"] in METHODS else row["method"],
        )
        for row in rows
    ]
