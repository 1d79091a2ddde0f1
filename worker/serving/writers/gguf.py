"""The complete model as one GGUF file; K-quants with llama.cpp's own quantizer."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.errors import SettingsError, TrainingError
from core.serving.model_formats import WriterInput
from core.serving.model_formats.gguf import QUANTIZER
from worker.serving.gguf_write import write_model
from worker.serving.writers.copied import copy_generation_config

_TIMEOUT_S: Final = 3_600


def write(source: WriterInput, directory: Path, kind: str, progress: Callable[[float], None]) -> None:
    """Write `model-<kind>.gguf`. Raises as `write_model`, and SettingsError where the quantizer is missing."""
    if source.complete is None:
        raise TrainingError(f"“{source.name}” has not been merged into its base.", "Merge it in Models first.")
    target = directory / f"model-{kind}.gguf"
    if kind in ("f16", "q8_0"):
        write_model(source.complete, target, kind, progress, name=source.name, license=source.license)  # type: ignore[arg-type]
    else:
        _quantize(source, target, kind, progress)
    copy_generation_config(source, directory)


def _quantize(source: WriterInput, target: Path, kind: str, progress: Callable[[float], None]) -> None:
    quantizer, complete = shutil.which(QUANTIZER), source.complete
    if quantizer is None or complete is None:
        raise SettingsError(f"{kind} needs {QUANTIZER} of llama.cpp.", "Install llama.cpp, or choose q8_0.")
    wide = target.with_name(".model-f16.gguf")
    try:
        write_model(complete, wide, "f16", lambda share: progress(share / 2), name=source.name, license=source.license)
        command = [quantizer, str(wide), str(target), kind.upper()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        if done.returncode or not target.is_file():
            last = (done.stderr.strip().splitlines() or ["it wrote no file"])[-1][:200]
            raise TrainingError(f"{QUANTIZER} failed: {last}.", "Choose q8_0, or check the installation of llama.cpp.")
        progress(1.0)
    finally:
        wide.unlink(missing_ok=True)
