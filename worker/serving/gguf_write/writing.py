"""A GGUF file that is written beside its place, and appears there complete or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gguf


@contextmanager
def written(target: Path, architecture: str) -> Iterator[gguf.GGUFWriter]:
    """The writer of a new file; where the block fails, what was written is deleted."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    writer = gguf.GGUFWriter(part, architecture)
    try:
        yield writer
        writer.close()
        part.replace(target)
    finally:
        try:
            writer.close()  # writes what is left, so it may fail on a full disk too
        finally:
            part.unlink(missing_ok=True)
