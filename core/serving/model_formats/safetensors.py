"""The complete model as safetensors: loads in transformers without PEFT."""

from __future__ import annotations

from typing import Final

from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability
from core.serving.model_formats.base import ModelFormat, complete_model


def _check(base: BaseModelRef, method: Method) -> Availability:
    return complete_model(method)


SAFETENSORS: Final = ModelFormat(
    "safetensors",
    "Complete model (safetensors)",
    "One model without an adapter, for transformers, vLLM, SGLang, and Ollama where it imports the architecture.",
    _check,
    "worker.serving.writers.copied",
    kind="complete",
    library="transformers",
    complete=True,
)
