"""The adapter as one GGUF file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.errors import TrainingError
from core.serving.model_formats import WriterInput
from worker.serving.gguf_write import write_adapter
from worker.serving.writers.copied import copy_generation_config

FILE: Final = "adapter.gguf"


def write(source: WriterInput, directory: Path, kind: str, progress: Callable[[float], None]) -> None:
    """Write `adapter.gguf`. Raises as `write_adapter`."""
    if source.base is None:
        raise TrainingError(f"The base model of “{source.name}” is not on this machine.", "Download it first.")
    write_adapter(source.trained, source.base, directory / FILE, name=source.name)
    copy_generation_config(source, directory)
    progress(1.0)
