"""Models and adapters as GGUF files, written with the `gguf` package alone, one tensor in memory at a time.

Weights are read from safetensors with numpy, so nothing here imports torch.
"""

from __future__ import annotations

from worker.serving.gguf_write.adapter import write_adapter
from worker.serving.gguf_write.model import write_model

__all__ = ["write_adapter", "write_model"]
