"""The adapter as PEFT saved it: loads beside its base in transformers, vLLM and others."""

from __future__ import annotations

from typing import Final

from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability
from core.serving.model_formats.base import ModelFormat


def _check(base: BaseModelRef, method: Method) -> Availability:
    if method.peft_type is None:
        return Availability(False, f"{method.title} leaves a complete model, which has no adapter.")
    return Availability(True, f"Its base is {base.title}.")


ADAPTER: Final = ModelFormat(
    "adapter",
    "Adapter (PEFT)",
    "The trained adapter alone, for transformers, vLLM and other servers that load it beside its base model.",
    _check,
    "worker.serving.writers.copied",
    kind="trained",
    library="peft",
    quick=True,
)
