"""The complete model as safetensors, linked where it has the wanted precision, else rounded tensor by tensor."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy

from core.errors import SettingsError, StorageError
from core.models.base_models.model_text import stored_dtype
from core.platform import disk
from core.platform.storage import MANIFEST
from core.serving.model_formats import WriterInput
from worker.serving.gguf_write.weights_file import StoredTensor, tensors_of
from worker.serving.writers import copied

_CODES: Final = {"bfloat16": "BF16", "float16": "F16"}
_WIDTH: Final = 2
_INDEX: Final = "model.safetensors.index.json"
_CHANGED: Final = ("config.json", _INDEX, MANIFEST)  # the manifest has the checksums of other weights


def write(source: WriterInput, directory: Path, kind: str, progress: Callable[[float], None]) -> None:
    """Write the complete model.

    Args:
        kind: stored (the base's precision), or float32 (the merged model has it).

    Raises:
        SettingsError: a value is too large for the base's precision.
        StorageError: its files were deleted, or the disk has too little space. TrainingError: a file is damaged.
    """
    complete = source.complete
    if complete is None or not any(complete.glob("*.safetensors")):
        raise StorageError(f"The files of “{source.name}” were deleted.", "Retry its job to create them again.")
    wanted = stored_dtype(source.base) if kind == "stored" and source.base is not None else stored_dtype(complete)
    if complete == source.trained or wanted == stored_dtype(complete) or wanted not in _CODES:
        copied.write(source, directory, "complete", progress)
        return
    _rounded(complete, directory, wanted, progress)
    copied.copy_generation_config(source, directory)


def _rounded(complete: Path, directory: Path, dtype: str, progress: Callable[[float], None]) -> None:
    """Write the files with rounded weights, and the numbers of config and index that this changes."""
    for file in sorted(complete.iterdir()):
        if file.is_file() and file.suffix != ".safetensors" and file.name not in _CHANGED:
            copied.link_or_copy(file, directory / file.name)
    files = sorted(complete.glob("*.safetensors"))
    sizes = {file: _weights(tensors_of(complete, file.name)) for file in files}
    total, done = sum(sizes.values()), 0
    disk.require(total * _WIDTH, "the export", directory)
    for file, count in sizes.items():
        _write_file(directory / file.name, tensors_of(complete, file.name), dtype)
        done += count
        progress(done / total)
    config = json.loads((complete / "config.json").read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)
    _write_json(directory / "config.json", {**config, "dtype": dtype})
    if (complete / _INDEX).is_file():
        index = json.loads((complete / _INDEX).read_text(encoding="utf-8"))
        index["metadata"] = {**index.get("metadata", {}), "total_size": total * _WIDTH}
        _write_json(directory / _INDEX, index)


def _weights(tensors: Mapping[str, StoredTensor]) -> int:
    return sum(int(numpy.prod(one.shape)) for one in tensors.values())


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_file(target: Path, tensors: Mapping[str, StoredTensor], dtype: str) -> None:
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + int(numpy.prod(tensor.shape)) * _WIDTH
        entries[name] = {"dtype": _CODES[dtype], "shape": tensor.shape, "data_offsets": (begin, end)}
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the weights begin at a multiple of 8
    with target.open("wb") as stream:
        stream.write(struct.pack("<Q", len(header)) + header)
        for values in _values(tensors, dtype):
            stream.write(values.data)  # not `tofile`, whose error for a full disk has no number


def _values(tensors: Mapping[str, StoredTensor], dtype: str) -> Iterator[numpy.ndarray]:
    for name, tensor in tensors.items():
        values = tensor.read()
        if dtype == "bfloat16":  # the upper half, rounded to even
            bits = values.view(numpy.uint32)
            yield ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)
            continue
        with numpy.errstate(over="ignore"):
            narrow = values.astype(numpy.float16)
        if not numpy.isfinite(narrow).all():
            raise SettingsError(f"{name} has values that float16 cannot hold.", "Choose float32.")
        yield narrow
