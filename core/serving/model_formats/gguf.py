"""The complete model as one GGUF file, for llama.cpp, Ollama, LM Studio and others: three precisions."""

from __future__ import annotations

import shutil
from typing import Final

from core.models.base_models.gguf.written import refused_architecture
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability
from core.serving.model_formats.base import ModelFormat, complete_model, unknown_architecture

QUANTIZER: Final = "llama-quantize"  # of llama.cpp: K-quants are not in the `gguf` package
_WRITER: Final = "worker.serving.writers.gguf"


def _check(base: BaseModelRef, method: Method) -> Availability:
    found = complete_model(method)
    if not found.ok:
        return found
    if not base.architecture:
        return unknown_architecture(base)
    if reason := refused_architecture(base.architecture):
        return Availability(False, f"{reason} Use the complete model as safetensors instead.")
    return found


def _check_quantizer(base: BaseModelRef, method: Method) -> Availability:
    found = _check(base, method)
    if found.ok and shutil.which(QUANTIZER) is None:
        return Availability(False, f"Needs {QUANTIZER} of llama.cpp on this machine's PATH; q8_0 needs nothing.")
    return found


# Differences of log-probabilities from PEFT's in fp32 over 50 tokens: tests/worker/serving/test_real_model.py
GGUF_F16: Final = ModelFormat(
    "gguf-f16",
    "Complete model (GGUF f16)",
    "One file in 16 bits. Log-probabilities differ from the adapter's by up to 0.01 (measured on SmolLM2 135M).",
    _check,
    _WRITER,
    kind="f16",
    complete=True,
    width=2.0,
)
GGUF_Q8_0: Final = ModelFormat(
    "gguf-q8_0",
    "Complete model (GGUF q8_0)",
    "One file in 8 bits: half the size. Log-probabilities differ by up to 0.3 (measured on SmolLM2 135M).",
    _check,
    _WRITER,
    kind="q8_0",
    complete=True,
    width=34 / 32,
)
GGUF_Q4_K_M: Final = ModelFormat(
    "gguf-q4_k_m",
    "Complete model (GGUF q4_k_m)",
    "One file in about 4 bits: a quarter of the size, at some quality.",
    _check_quantizer,
    _WRITER,
    kind="q4_k_m",
    complete=True,
    width=4.85 / 8,
)
