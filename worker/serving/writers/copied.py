"""Files as training or merging saved them. Imports neither torch nor gguf: the web process runs it too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.errors import StorageError
from core.platform import disk
from core.serving.model_formats import WriterInput

_BASE_FILE: Final = "generation_config.json"  # how the base ends and samples its answers


def write(source: WriterInput, directory: Path, kind: str, progress: Callable[[float], None]) -> None:
    """Link the files into `directory`, or copy them where they are on another disk.

    Args:
        kind: trained or complete.
    """
    origin = source.trained if kind == "trained" else source.complete
    files = sorted(file for file in origin.rglob("*") if file.is_file()) if origin and origin.is_dir() else []
    if not any(file.suffix == ".safetensors" for file in files) or origin is None:
        raise StorageError(f"The files of “{source.name}” were deleted.", "Retry its job to create them again.")
    total, done = sum(file.stat().st_size for file in files), 0
    for file in files:
        target = directory / file.relative_to(origin)
        target.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(file, target)
        done += file.stat().st_size
        progress(done / max(1, total))
    copy_generation_config(source, directory)


def link_or_copy(file: Path, target: Path) -> None:
    """A hard link: models never change, so it takes no space."""
    try:
        os.link(file, target)
    except OSError:
        disk.require(file.stat().st_size, "the export", target.parent)
        shutil.copyfile(file, target)


def copy_generation_config(source: WriterInput, directory: Path) -> None:
    """The generation_config.json of the complete model, or of the base beside an adapter."""
    target = directory / _BASE_FILE
    for origin in (source.complete, source.trained, source.base):
        if not target.exists() and origin is not None and (origin / _BASE_FILE).is_file():
            link_or_copy(origin / _BASE_FILE, target)
