"""A model directory on disk, checked before anybody waits for it: config, tokenizer, chat template, safetensors."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.base_models.records import Dims
from core.errors import DataError

_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1}
_MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit
_REMEDY = "Name a directory as transformers' save_pretrained writes it."


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """What a model directory holds. `revision` changes when its config or weights change."""

    dims: Dims
    bytes_per_param: float
    revision: str
    name: str


def inspect(path: Path) -> DirectoryFacts:
    """Check a model directory and read its shape; no weight is loaded and no code of the directory runs.

    Raises:
        DataError: names the missing or unusable file: config.json, a tokenizer, a chat template, safetensors weights.
    """
    if not path.is_dir():
        raise _error(f"There is no directory {path}.", "Check the path.")
    config = _json(path / "config.json")
    if config.get("auto_map"):
        raise _error(
            f"{path.name}: the model wants to run its own code (auto_map in config.json).",
            "Choose a model that transformers knows; code that comes with weights is never run.",
        )
    if config.get("quantization_config"):
        raise _error(f"{path.name}: the weights are quantized already.", "Choose the unquantized model.")
    _check_tokenizer(path)
    weights = _weight_files(path)
    params, width = _count(weights)
    dims = Dims.from_config(config, params=params)
    digest = hashlib.sha256((path / "config.json").read_bytes())
    for file in weights:
        digest.update(f"{file.name}:{file.stat().st_size}".encode())
    return DirectoryFacts(dims, width, digest.hexdigest()[:12], path.name)


def _check_tokenizer(path: Path) -> None:
    if not (path / "tokenizer.json").is_file():
        raise _error(f"{path.name} has no tokenizer.json.", "Save its fast tokenizer into the directory.")
    if (path / "chat_template.jinja").is_file():
        return
    settings = _json(path / "tokenizer_config.json") if (path / "tokenizer_config.json").is_file() else {}
    if not settings.get("chat_template"):
        raise _error(
            f"{path.name} has no chat template, so it is a text model rather than a chat model.",
            "Choose its instruct or chat sibling, or add a chat_template.jinja.",
        )


def _weight_files(path: Path) -> list[Path]:
    index = path / "model.safetensors.index.json"
    if index.is_file():
        shards = sorted(set(_json(index).get("weight_map", {}).values()))
        # a shard's name comes from a file: only its last part is used, so it cannot point outside the directory
        files = [path / Path(str(shard)).name for shard in shards]
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise _error(f"{path.name}: {missing[0]} is missing.", "Download or copy the model again.")
        return files
    if (path / "model.safetensors").is_file():
        return [path / "model.safetensors"]
    if any(path.glob("*.bin")) or any(path.glob("*.pt")):
        raise _error(
            f"{path.name} holds pickled weights (.bin), which can run code when they are loaded.",
            "Choose or convert to safetensors.",
        )
    raise _error(f"{path.name} has no model.safetensors.")


def _count(files: list[Path]) -> tuple[int, float]:
    """Number of weights and their mean width in bytes, from the safetensors headers alone."""
    count = total = 0
    for file in files:
        for name, tensor in _header(file).items():
            if name == "__metadata__":
                continue
            size = 1
            for length in tensor["shape"]:
                size *= int(length)
            count += size
            total += size * _WIDTHS.get(str(tensor["dtype"]), 2)
    if not count:
        raise _error(f"{files[0].name} holds no weights.")
    return count, total / count


def _header(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > min(_MAX_HEADER_BYTES, file.stat().st_size):
                raise ValueError("header longer than the file")
            header: dict[str, Any] = json.loads(stream.read(length))
            return header
    except (OSError, ValueError, struct.error) as error:
        raise _error(f"{file.name} is no readable safetensors file: {error}.", "Download it again.") from error


def _json(file: Path) -> dict[str, Any]:
    try:
        parsed = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _error(f"{file.parent.name} has no {file.name}.") from error
    except (OSError, ValueError) as error:
        raise _error(f"{file.parent.name}/{file.name} cannot be read: {error}.") from error
    if not isinstance(parsed, dict):
        raise _error(f"{file.parent.name}/{file.name} is no JSON object.")
    return parsed


def _error(message: str, remedy: str = _REMEDY) -> DataError:
    return DataError(message, remedy, code="base_model")
