"""What a new job can choose from: base models, methods, engines, providers, and the settings of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.models.base_models import BaseModelRef as BaseModelRef, resolve, suggested_id as suggested_id
from core.models.methods import METHODS as METHODS, Method as Method, recommended_method as recommended_method
from core.training.engines import AUTO as AUTO, ENGINES
from core.training.jobs.resolve import GENERAL_EPOCHS as GENERAL_EPOCHS
from core.training.jobs.spec import (
    SAFETY as SAFETY,
    ResolvedTraining as ResolvedTraining,
    TrainingConfig as TrainingConfig,
)
from core.training.providers import DEFAULT_PROVIDER as DEFAULT_PROVIDER, PROVIDERS


def settings_for(base_id: str, method_id: str) -> dict[str, Any]:
    """The method's settings that are known to work on this base model; {} where its defaults do."""
    return dict(resolve(base_id).preset(method_id).method)


def suggested_base() -> BaseModelRef | None:
    """The real model for a first job, on this machine or not; None if the catalog has none."""
    return resolve(suggested_id()) if suggested_id() else None


def default_base(ready: Sequence[BaseModelRef]) -> BaseModelRef:
    """The base that a new job begins with: the suggested real model where it is here, else the first one."""
    return next((base for base in ready if base.id == suggested_id()), ready[0])


def engine_title(engine_id: str) -> str:
    """An engine's title; the id itself for one that this release no longer has."""
    return ENGINES.get(engine_id).title if engine_id in ENGINES else engine_id


def provider_text(provider_id: str) -> str:
    """A provider's title and what it does, in one line; the id itself for one that this release no longer has."""
    return next((f"{one.title}  ·  {one.text}" for one in PROVIDERS if one.id == provider_id), provider_id)
