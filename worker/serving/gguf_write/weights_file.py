"""The tensors of a directory's safetensors files as fp32 numpy arrays, read one at a time."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy

from core.errors import TrainingError

_MAX_HEADER: Final = 100 << 20  # bytes; the limit of the safetensors format
_WIDTHS: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_REMEDY: Final = "Train the model again, or restore its files from a backup."


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a file; `begin` counts from the start of the file."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    begin: int

    def read(self) -> numpy.ndarray:
        """The values in fp32."""
        kind = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}[self.dtype]
        raw = numpy.fromfile(self.file, dtype=kind, count=int(numpy.prod(self.shape)), offset=self.begin)
        if self.dtype == "BF16":  # the upper half of an fp32 number
            raw = (raw.astype(numpy.uint32) << 16).view(numpy.float32)
        return raw.astype(numpy.float32, copy=False).reshape(self.shape)


def tensors_of(directory: Path, pattern: str = "*.safetensors") -> Mapping[str, StoredTensor]:
    """Every tensor of the files in a directory, by name.

    Raises:
        TrainingError: there is no such file, or one is damaged; names it.
    """
    files = sorted(directory.glob(pattern))
    if not files:
        raise TrainingError(f"{directory.name} has no file {pattern}.", _REMEDY)
    found: dict[str, StoredTensor] = {}
    for file in files:
        found |= _header(file)
    return found


def _header(file: Path) -> dict[str, StoredTensor]:
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > _MAX_HEADER:
                raise ValueError(f"its header has {length:,} bytes")
            entries = json.loads(stream.read(length))
        entries.pop("__metadata__", None)
        size = file.stat().st_size
        return {name: _tensor(file, 8 + length, size, entry) for name, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise TrainingError(f"{file.name} is damaged: {error}.", _REMEDY) from error


def _tensor(file: Path, start: int, size: int, entry: dict[str, object]) -> StoredTensor:
    dtype, shape = str(entry["dtype"]), tuple(int(length) for length in entry["shape"])  # type: ignore[attr-defined]
    begin, end = (start + int(offset) for offset in entry["data_offsets"])  # type: ignore[attr-defined]
    if dtype not in _WIDTHS:
        raise ValueError(f"it has a tensor of type {dtype}")
    if end - begin != int(numpy.prod(shape)) * _WIDTHS[dtype] or end > size:
        raise ValueError("it is shorter than its header says")
    return StoredTensor(file, dtype, shape, begin)
