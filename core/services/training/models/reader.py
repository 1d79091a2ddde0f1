"""Fine-tuned models, read from the registry."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func, or_, select

from core import arguments
from core.errors import DataError, NotFound
from core.models import base_models, methods
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.platform.db.tables import DATASETS, JOBS, MODEL_TAGS, MODELS
from core.platform.db.uow import read
from core.services.training.jobs import reader as job_reader
from core.services.training.models.records import ModelRecord

LORA: Final = "lora"  # what a service's own method comes closest to
_ANY_HOSTED: Final = select(JOBS.c.id).where(JOBS.c.connection_id.is_not(None)).limit(1)


def list_models(*, include_archived: bool = False, tag: str = "") -> list[ModelRecord]:
    """Models, newest first; with a tag, only those that have it."""
    conditions = [] if include_archived else [MODELS.c.state == "active"]
    if tag:
        tagged = select(MODEL_TAGS.c.model_id).where(MODEL_TAGS.c.tag == arguments.whole(tag).casefold())
        conditions.append(MODELS.c.id.in_(tagged))
    return read_models(*conditions)


def read_hosted() -> list[ModelRecord]:
    """The active models that were trained at a hosted service, newest first."""
    if not read(_ANY_HOSTED):  # asked before every answer of the API: the full query takes 0.5 ms longer
        return []
    return read_models(MODELS.c.state == "active", JOBS.c.connection_id.is_not(None))


def versions(line_id: str) -> list[ModelRecord]:
    """All models of a line, newest first, archived ones too."""
    return read_models(MODELS.c.line_id == line_id)


def get_model(id_or_name: str) -> ModelRecord:
    """The model with this id or name. Raises NotFound with the existing names."""
    matches = read_models(or_(MODELS.c.id == id_or_name, MODELS.c.name == id_or_name))
    if not matches:
        raise _not_found(id_or_name)
    return matches[0]


def trained_version(model_id: str) -> str:
    """The id of the dataset version that a model was trained on. Raises NotFound."""
    query = select(JOBS.c.dataset_version_id).join(MODELS, MODELS.c.job_id == JOBS.c.id).where(MODELS.c.id == model_id)
    found = read(query)
    if not found:
        raise _not_found(model_id)
    return str(found[0].dataset_version_id)


def _not_found(id_or_name: str) -> NotFound:
    names = ", ".join(f"“{model.name}”" for model in list_models()[:10]) or "none yet"
    return NotFound(f"The model {id_or_name!r} does not exist.", f"Models: {names}.")


def base_and_method(model: ModelRecord) -> tuple[BaseModelRef, Method]:
    """The base model that a model was trained on, and the method with the settings that it was trained with.

    A base that was deleted is not ready, with the reason; so is that of a model that only answers at its service.
    """
    if model.only_there:
        there = BaseModelRef(
            id=model.base_model, title=model.base_title, family="", text="", ready=False,
            reason="It answers through its connection: this machine does not have what serving it needs.",
        )  # fmt: skip
        return there, methods.build(model.method if model.method in methods.METHODS else LORA)
    config = job_reader.get_job(model.job_id, with_deleted=True).spec.method_config
    method = methods.build(model.method, config)
    try:
        return base_models.resolve(model.base_model), method
    except (DataError, NotFound) as error:
        deleted = BaseModelRef(
            id=model.base_model, title=model.base_title, family="", text="", ready=False,
            reason=error.message, command=error.remedy,
        )  # fmt: skip
        return deleted, method


# The tags of a model in one text with blanks between them, which no tag contains
TAGS_TEXT = func.coalesce(
    select(func.aggregate_strings(MODEL_TAGS.c.tag, " "))
    .where(MODEL_TAGS.c.model_id == MODELS.c.id)
    .correlate(MODELS)
    .scalar_subquery(),
    "",
)


def read_models(*conditions: Any) -> list[ModelRecord]:
    """The models that meet conditions on the tables, newest first."""
    query = (
        select(
            MODELS,
            JOBS.c.name.label("job_name"),
            JOBS.c.deleted_at.is_not(None).label("job_deleted"),
            DATASETS.c.name.label("dataset_name"),
            DATASETS.c.deleted_at.is_not(None).label("dataset_deleted"),
            TAGS_TEXT.label("tags"),
        )
        .join(JOBS, JOBS.c.id == MODELS.c.job_id)
        .join(DATASETS, DATASETS.c.id == MODELS.c.dataset_id)
        .where(*conditions)
        .order_by(MODELS.c.created_at.desc(), MODELS.c.id.desc())
    )
    return [
        ModelRecord(
            **{**row, "tags": tuple(sorted(row["tags"].split()))},
            base_title=base_models.title_of(row["base_model"]),
            method_title=methods.title_of(row["method"]),
        )
        for row in (found._mapping for found in read(query))
    ]
