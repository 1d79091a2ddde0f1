"""A file whose values a library cannot use is refused by name, like one that the checks find wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.errors import DataError, StudioError
from core.platform import disk

REMEDY: Final = "Download or copy the file again, or choose the model's original directory of safetensors."
_LONGEST: Final = 200  # characters of a library's own message


def refused(file: Path, what: str) -> DataError:
    """The error for a file that cannot be restored."""
    return DataError(f"{file.name} cannot be restored: {what}.", REMEDY, code="base_model")


@contextmanager
def refusing(file: Path) -> Iterator[None]:
    """Turn what a library raises into a refusal of the file; a full disk and too little memory remain what they are."""
    try:
        yield
    except StudioError:
        raise
    except Exception as error:  # tokenizers, transformers and torch raise many kinds, also bare Exception
        if isinstance(error, MemoryError) or disk.is_full(error):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise refused(file, (lines or [type(error).__name__])[-1][:_LONGEST].rstrip(".")) from error
