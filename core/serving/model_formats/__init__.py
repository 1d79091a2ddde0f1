"""The files that a tuned model can be downloaded as: one file per format, one line each in the registry below."""

from __future__ import annotations

from typing import Final

from core.registry import Registry
from core.serving.model_formats.adapter import ADAPTER
from core.serving.model_formats.adapter_gguf import ADAPTER_GGUF
from core.serving.model_formats.base import ModelFormat, WriterInput
from core.serving.model_formats.gguf import GGUF_F16, GGUF_Q4_K_M, GGUF_Q8_0
from core.serving.model_formats.safetensors import SAFETENSORS, SAFETENSORS_F32

MODEL_FORMATS: Final = Registry[ModelFormat]("model format")
MODEL_FORMATS.add(ADAPTER)
MODEL_FORMATS.add(SAFETENSORS)
MODEL_FORMATS.add(SAFETENSORS_F32)
MODEL_FORMATS.add(ADAPTER_GGUF)
MODEL_FORMATS.add(GGUF_F16)
MODEL_FORMATS.add(GGUF_Q8_0)
MODEL_FORMATS.add(GGUF_Q4_K_M)
