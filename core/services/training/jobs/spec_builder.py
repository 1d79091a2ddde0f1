"""The choices for a job: checked settings, base model and method, frozen into the job's spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from core.errors import DataError
from core.models import base_models, methods
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.training.jobs import reader as job_reader
from core.services.training.jobs.records import Forecast
from core.training.jobs.spec import JobSpec, TrainingConfig

MAX_NAME: Final = 120
SUGGESTED_NAME: Final = 80


def catalog() -> tuple[list[BaseModelRef], list[BaseModelRef]]:
    """Base models that can be chosen now, and those that need a command first (see `reason` and `command`)."""
    models = base_models.list_models()
    ready = [base for base in models if base.ready or base.buildable]
    return ready, [base for base in models if base not in ready]


def suggest_name(dataset_id: str, base_model: str) -> str:
    """A name such as `Support - Starter - v1`, with the next free number. A long dataset name is shortened."""
    end = f" - {base_models.resolve(base_model).title} - v"
    name = datasets.get_dataset(dataset_id).name
    room = max(1, SUGGESTED_NAME - len(end) - len("999"))
    stem = f"{name if len(name) <= room else name[: room - 1].rstrip() + '…'}{end}"
    taken = job_reader.names_like(stem)
    return f"{stem}{next(number for number in range(1, len(taken) + 2) if f'{stem}{number}' not in taken)}"


def training_config(values: Mapping[str, Any] | None) -> TrainingConfig:
    """Checked general settings. Raises SettingsError with the setting, its value and the bound."""
    try:
        return TrainingConfig(**dict(values or {}))
    except ValidationError as error:
        raise methods.setting_error(error, "Training", TrainingConfig.model_fields) from error


def method_config(base: BaseModelRef, method_id: str, values: Mapping[str, Any] | None) -> Method:
    """The method with the base's preset and the user's settings over it, checked against the base's known shape.

    Raises:
        NotFound: no such method. SettingsError: a setting that cannot work, or not with this base.
    """
    method = methods.build(method_id, {**base.preset(method_id).method, **dict(values or {})})
    if base.dims is not None:
        method.check(base.dims)
    return method


def usable(base: BaseModelRef) -> BaseModelRef:
    if not (base.ready or base.buildable):
        raise DataError(base.reason, f"Run: {base.command}" if base.command else "", code="base_model")
    return base


def freeze(
    dataset: DatasetRecord, base: BaseModelRef, method: str, settings: Mapping[str, Any] | None, outlook: Forecast
) -> JobSpec:
    """Everything that a run depends on, as it is now."""
    return JobSpec(
        dataset_id=dataset.id,
        dataset_version_id=dataset.version.id,
        dataset_sha256=dataset.version.sha256,
        base_model=base.id,
        base_revision=base.revision,
        method=method,
        method_config=method_config(base, method, settings).model_dump(mode="json"),
        training=outlook.training,
        training_sources=outlook.sources,
        engine=outlook.engine.engine,
        engine_asked=outlook.engine.asked,
        engine_reason=outlook.engine.reason,
    )
