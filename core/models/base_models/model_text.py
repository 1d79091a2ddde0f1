"""The small text files of a model directory, read within bounds: they were written by others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from core.errors import DataError
from core.text import size as size_text

_MB: Final = 1_000_000
# Bytes. The largest known: tokenizer.json 33 MB (Gemma 3), tokenizer_config.json 1.2 MB, templates 0.03 MB.
LIMITS: Final = {
    "tokenizer.json": 256 * _MB,
    "tokenizer.model": 256 * _MB,
    "vocab.json": 64 * _MB,
    "vocab.txt": 64 * _MB,
    "merges.txt": 64 * _MB,
    "model.safetensors.index.json": 64 * _MB,
}
OTHERS: Final = 16 * _MB
TEMPLATE: Final = _MB
_DTYPES: Final = ("float16", "bfloat16", "float32", "float64")


def read(file: Path) -> str:
    """The text of a file.

    Raises:
        FileNotFoundError. DataError: it is too large, not a plain file, or not UTF-8.
    """
    check_size(file)
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _error(file, f"cannot be read: {error}") from error


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object of a file. Raises as `read`, and DataError where it is not an object, or nested too deeply."""
    text = read(file)
    try:
        parsed = json.loads(text)
    except RecursionError as error:
        raise _error(file, "is nested too deeply") from error
    except ValueError as error:
        raise _error(file, f"cannot be read: {error}") from error
    if not isinstance(parsed, dict):
        raise _error(file, "is not a JSON object")
    return parsed


def check_size(file: Path) -> None:
    """Refuse a file that is larger than any such file. Raises as `read`."""
    if not file.is_file():
        if file.exists():  # a pipe would never end
            raise _error(file, "is not a plain file")
        raise FileNotFoundError(file)
    most = TEMPLATE if file.suffix == ".jinja" else LIMITS.get(file.name, OTHERS)
    if (size := file.stat().st_size) > most:
        raise _error(file, f"has {size_text(size)}; the limit is {size_text(most)}")


def _error(file: Path, what: str) -> DataError:
    return DataError(
        f"{file.parent.name}/{file.name} {what}.",
        "Choose a directory written by transformers' save_pretrained.",
        code="base_model",
    )


def stored_dtype(directory: Path) -> str:
    """torch's name of the precision of a directory's weights, as its config.json says; float32 where it says none."""
    try:
        config = read_json(directory / "config.json")
    except (OSError, DataError):
        return "float32"
    name = str(config.get("dtype") or config.get("torch_dtype") or "")
    return name if name in _DTYPES else "float32"
