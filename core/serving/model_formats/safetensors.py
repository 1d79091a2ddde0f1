"""The complete model as safetensors: loads in transformers without PEFT. In the base's precision, or in float32."""

from __future__ import annotations

from typing import Final

from core.models.base_models.model_text import stored_dtype
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability
from core.serving.model_formats.base import ModelFormat, complete_model, unknown_architecture

EXACT: Final = "float32"
_WRITER: Final = "worker.serving.writers.safetensors"


def _check(base: BaseModelRef, method: Method) -> Availability:
    return complete_model(method)


def _check_exact(base: BaseModelRef, method: Method) -> Availability:
    found = complete_model(method)
    if not found.ok:
        return found
    if method.peft_type is None:
        return Availability(False, "The complete model (safetensors) has the weights as training saved them.")
    if base.path is None:
        return unknown_architecture(base)
    if stored_dtype(base.path) == EXACT:
        return Availability(False, "The base is stored in float32, so the complete model (safetensors) is exact.")
    return found


SAFETENSORS: Final = ModelFormat(
    "safetensors",
    "Complete model (safetensors)",
    "One model without an adapter, in the base's precision, for transformers, vLLM, SGLang, and Ollama where it "
    "imports the architecture.",
    _check,
    _WRITER,
    kind="stored",
    library="transformers",
    complete=True,
    precision="stored",
)
SAFETENSORS_F32: Final = ModelFormat(
    "safetensors-f32",
    "Complete model (safetensors, float32)",
    "Twice the size, and exact: the same logits as base and adapter.",
    _check_exact,
    _WRITER,
    kind="float32",
    library="transformers",
    complete=True,
    precision=EXACT,
    width=4.0,
)
