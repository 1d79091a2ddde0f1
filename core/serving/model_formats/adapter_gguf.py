"""The LoRA adapter as a GGUF file: llama.cpp loads it beside the base's GGUF file."""

from __future__ import annotations

from typing import Final

from core.models.base_models.gguf.written import refused_architecture
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability
from core.serving.model_formats.base import ModelFormat, unknown_architecture

_MERGED: Final = "Use the merged GGUF file instead."


def _check(base: BaseModelRef, method: Method) -> Availability:
    arguments = method.peft_arguments() or {}
    if method.peft_type != "LORA":
        return Availability(False, f"llama.cpp applies LoRA adapters only, not {method.title}.")
    if arguments.get("use_dora"):
        return Availability(False, f"llama.cpp does not apply DoRA. {_MERGED}")
    if not base.architecture:
        return unknown_architecture(base)
    if reason := refused_architecture(base.architecture):
        return Availability(False, f"{reason} Use the complete model as safetensors instead.")
    return Availability(True, f"Its base is {base.title}.")


ADAPTER_GGUF: Final = ModelFormat(
    "adapter-gguf",
    "Adapter (GGUF)",
    "The trained adapter alone, for llama.cpp beside a GGUF file of the base model.",
    _check,
    "worker.serving.writers.adapter_gguf",
)
