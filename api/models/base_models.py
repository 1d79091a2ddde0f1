"""`/api/v1/base-models` and `/api/v1/methods`: what a job can start from, and how its weights change."""

from __future__ import annotations

from typing import Any, Final

from api.models.shapes import BaseModelShown, MethodShown
from api.platform.records import records
from api.platform.scopes import needs
from api.platform.shapes import TaskShown
from core.services.platform.api_keys import READ, TRAIN
from core.services.training import choices, downloads, jobs

router: Final = records("/api/v1/base-models", "Base models")
methods_router: Final = records("/api/v1/methods", "Methods", dependencies=[needs(READ, TRAIN)])


@router.get("", dependencies=[needs(READ, TRAIN)])
def list_base_models() -> list[BaseModelShown]:
    """Every base model: those that are ready, and those that must be downloaded first."""
    ready, others = jobs.catalog()
    return [BaseModelShown.of(base) for base in (*ready, *others)]


@router.get("/{base_id:path}", dependencies=[needs(READ, TRAIN)])
def get_base_model(base_id: str) -> BaseModelShown:
    """One base model."""
    return BaseModelShown.of(choices.resolve(base_id))


@router.post("/{base_id}/download", dependencies=[needs(TRAIN)], status_code=202)
def download(base_id: str, source: str = "") -> TaskShown:
    """Download a base model of the catalog, in the background."""
    return TaskShown.of(downloads.start(base_id, source))


@methods_router.get("")
def list_methods() -> list[MethodShown]:
    """The fine-tuning methods, with the schema of their settings."""
    return [_method(method) for method in choices.METHODS]


@methods_router.get("/{method_id}")
def get_method(method_id: str) -> MethodShown:
    """One method."""
    return _method(choices.METHODS.get(method_id))


def _method(method: type[choices.Method]) -> MethodShown:
    schema: dict[str, Any] = method.model_json_schema()
    return MethodShown(id=method.id, title=method.title, settings=schema)
