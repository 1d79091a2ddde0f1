"""A model directory on disk, checked before a job uses it: config, tokenizer, chat template, safetensors."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.messages import Message
from core.models.base_models import model_text
from core.models.base_models.light_tokenizer import NAMED_TEMPLATES, load_tokenizer, template_of
from core.models.base_models.records import Dims
from core.models.render import render
from core.platform.limited import Limited, LimitExceeded

_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1}
_INTEGERS = frozenset({"I8", "U8"})  # packed weights; 64-bit buffers, such as position ids, are harmless
_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
_MAX_HEADER_BYTES = 32_000_000  # a header has about 120 bytes per tensor, and a file of the largest models 20,000
_MAX_SIZE, _MAX_AXES = 1 << 40, 16  # of one tensor's shape
_REMEDY = "Choose a directory written by transformers' save_pretrained."
_TOKENIZER = "Save its fast tokenizer into the directory."
_AGAIN = "Download it again."
_COMPLETE = "Download or copy the model again."
_TEXT_FILES = (
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "vocab.txt", "merges.txt",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
    "generation_config.json",  # names the tokens that end an answer
    "source.json",  # the same shapes restored from other weights are another model
)  # fmt: skip
Stamp = tuple[tuple[str, int, int], ...]  # name, bytes and time of change (ns) of each file
LACKS_FILES = frozenset({_REMEDY, _TOKENIZER, _AGAIN, _COMPLETE})  # the remedies that a complete download would fix


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """What a model directory contains. `revision` changes with its config, weights, tokenizer and chat template."""

    dims: Dims
    bytes_per_param: float
    revision: str
    name: str


def inspect(path: Path) -> DirectoryFacts:
    """Check a model directory and read its shape; no weights are loaded and no code in the directory runs.

    Raises:
        DataError: names the missing or unusable file: config.json (an architecture that transformers knows, no code of
            its own), a tokenizer that fits it, a chat template that renders a chat, complete safetensors weights of its
            shape. Files by others can fail in any way, which is such an error too: one model never breaks a list.
    """
    try:
        return _inspected(path)
    except DataError:
        raise
    except Exception as error:
        what = str(error)[:200].rstrip(".") or type(error).__name__
        raise _error(f"{path.name[:200]} is not a usable model directory: {what}.") from error


def _inspected(path: Path) -> DirectoryFacts:
    try:
        exists = path.is_dir()
    except OSError:  # a name longer than the file system allows
        exists = False
    if not exists:
        raise _error(f"There is no directory {str(path)[:200]}.", "Check the path.")
    config = _json(path / "config.json")
    if config.get("auto_map"):
        raise _error(
            f"{path.name}: the model needs its own code (auto_map in config.json).",
            "Choose a model that transformers supports; code included with weights is never run.",
        )
    if config.get("quantization_config"):
        raise _error(f"{path.name}: the weights are quantized already.", "Choose the unquantized model.")
    _check_tokenizer(path)
    weights = _weight_files(path)
    tensors = _tensors(weights)
    params, width = _count(tensors)
    dims = Dims.from_config(config, params=params)
    if not known_architecture(dims.architecture):
        raise _error(
            f"{path.name}: the installed transformers does not support {dims.architecture}.",
            "Choose another model, or install a version of transformers that supports this one.",
        )
    _check_type(path, config, dims.architecture)
    _check_shapes(path, dims, tensors)
    if problem := _speaks(path, dims.vocab_size, stamp := _stamp(path)):
        raise _error(*problem)
    digest = hashlib.sha256(model_text.read(path / "config.json").encode())
    digest.update(_text_digest(path, stamp))
    for file in weights:
        digest.update(f"{file.name}:{file.stat().st_size}".encode())
    return DirectoryFacts(dims, width, digest.hexdigest()[:12], path.name)


def is_language_model(path: Path) -> bool:
    """Whether the config.json of a directory names a causal language model; False if it cannot be read."""
    try:
        named = _json(path / "config.json").get("architectures")
    except DataError:
        return False
    return isinstance(named, list) and bool(named) and str(named[0]).endswith("ForCausalLM")


def _check_tokenizer(path: Path) -> None:
    if not (path / "tokenizer.json").is_file():
        raise _error(f"{path.name} has no tokenizer.json.", _TOKENIZER)
    settings = _json(path / "tokenizer_config.json") if (path / "tokenizer_config.json").is_file() else {}
    if template_of(path):
        return
    if settings.get("chat_template") or any((path / NAMED_TEMPLATES).glob("*.jinja")):
        raise _error(
            f"{path.name} has several chat templates, and none is named default.",
            "Save the one to train with as chat_template.jinja.",
        )
    raise _error(
        f"{path.name} has no chat template, so it is a text model rather than a chat model.",
        "Choose its instruct or chat sibling, or add a chat_template.jinja.",
    )


def _weight_files(path: Path) -> list[Path]:
    index = path / "model.safetensors.index.json"
    if index.is_file():
        shards = sorted({str(shard) for shard in _weight_map(index).values()})
        if not shards:
            raise _error(f"{path.name}: {index.name} names no file.", _COMPLETE)
        # only the last part of a shard's name is used, so it cannot point outside the directory
        files = [path / Path(shard).name for shard in shards]
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise _error(f"{path.name}: {missing[0]} is missing.", _COMPLETE)
        return files
    if (path / "model.safetensors").is_file():
        return [path / "model.safetensors"]
    if any(path.glob("*.bin")) or any(path.glob("*.pt")):
        raise _error(
            f"{path.name} contains pickled weights (.bin), which can run code when they are loaded.",
            "Choose a model with safetensors weights, or convert this one.",
        )
    raise _error(f"{path.name} has no model.safetensors.")


def _weight_map(index: Path) -> dict[str, Any]:
    """The file of each tensor."""
    weight_map = _json(index).get("weight_map", {})
    if not isinstance(weight_map, dict):
        raise _error(f"{index.parent.name}/{index.name} has no usable weight_map.", _AGAIN)
    return weight_map


@dataclass(frozen=True, slots=True)
class _Tensor:
    shape: tuple[int, ...]
    dtype: str

    @property
    def count(self) -> int:
        return math.prod(self.shape)


def _tensors(files: list[Path]) -> dict[str, _Tensor]:
    """Every tensor of the files, read from the headers; each file is checked to contain what its header names."""
    tensors: dict[str, _Tensor] = {}
    for file in files:
        length, header = _header(file)
        end = 0
        try:
            for name, entry in header.items():
                if name == "__metadata__":
                    continue
                tensor = _Tensor(tuple(int(size) for size in entry["shape"]), str(entry["dtype"]))
                if len(tensor.shape) > _MAX_AXES or any(not 0 <= size <= _MAX_SIZE for size in tensor.shape):
                    raise ValueError(f"{name[:100]} has an impossible shape")
                begin, stop = entry["data_offsets"]
                if stop - begin != tensor.count * _WIDTHS.get(tensor.dtype, stop - begin):
                    raise ValueError(f"{name} has {stop - begin} bytes, which does not fit its shape")
                tensors[name], end = tensor, max(end, stop)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise _error(f"{file.name} is not a readable safetensors file: {error}.", _AGAIN) from error
        missing = 8 + length + end - file.stat().st_size
        if missing > 0:
            raise _error(f"{file.name} is cut off: {missing:,} bytes are missing at its end.", _AGAIN)
        if missing < 0:
            raise _error(f"{file.name} has {-missing:,} bytes more than its header says.", _AGAIN)
    if not tensors:
        raise _error(f"{files[0].name} contains no weights.")
    if packed := next((name for name, tensor in tensors.items() if tensor.dtype in _INTEGERS), None):
        raise _error(
            f"{files[0].parent.name}: the weights are quantized already ({packed} is {tensors[packed].dtype}).",
            "Choose the unquantized model.",
        )
    return tensors


def _count(tensors: dict[str, _Tensor]) -> tuple[int, float]:
    """Number of weights and their mean width in bytes."""
    count = sum(tensor.count for tensor in tensors.values())
    total = sum(tensor.count * _WIDTHS.get(tensor.dtype, 2) for tensor in tensors.values())
    return count, total / max(count, 1)


def _check_shapes(path: Path, dims: Dims, tensors: dict[str, _Tensor]) -> None:
    """The weights fit the config: the number of layers, the size of the embedding, and every tensor in the index."""
    index = path / "model.safetensors.index.json"
    if index.is_file():
        lost = sorted(set(_weight_map(index)) - set(tensors))
        if lost:
            raise _error(f"{path.name}: {lost[0]} is in {index.name}, but in no file.", _AGAIN)
    layers = {int(match.group(1)) for name in tensors if (match := _LAYER.search(name))}
    if layers and layers != set(range(dims.num_layers)):
        raise _error(
            f"{path.name}: config.json says {dims.num_layers} layers, the weights have {len(layers)}.",
            "Add the config.json that goes with these weights.",
        )
    expected_shape = (dims.vocab_size, dims.hidden_size)
    for name, tensor in tensors.items():
        if name.endswith("embed_tokens.weight") and tensor.shape != expected_shape:
            shape = " x ".join(map(str, tensor.shape))
            raise _error(
                f"{path.name}: {name} is {shape}, but config.json says {expected_shape[0]} x {expected_shape[1]}.",
                "Add the config.json that goes with these weights.",
            )


@lru_cache(maxsize=1)
def _architectures() -> str:
    """The part of the installed transformers' source that lists its causal language models; "" if it is not found.

    Read as text, because importing it imports torch.
    """
    spec = importlib.util.find_spec("transformers")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(root) / "models" / "auto" / "modeling_auto.py"
        if file.is_file():
            _, _, rest = file.read_text(encoding="utf-8").partition("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES = ")
            return rest.partition("\n)\n")[0]
    return ""


def _check_type(path: Path, config: dict[str, Any], architecture: str) -> None:
    """transformers uses model_type: one that does not match the architecture builds another model with random
    weights."""
    kind = config.get("model_type") or ""
    if not isinstance(kind, str):
        raise _error(f"{path.name}: the model_type in config.json is not a valid name.")
    expected = re.findall(rf'\(\s*"{re.escape(kind)}",\s*"(\w+)"', _architectures())
    if expected and architecture not in expected:
        raise _error(
            f"{path.name}: config.json has the architecture {architecture}, but model_type {kind}, which is "
            f"{expected[0]}.",
            "Add the config.json that goes with these weights.",
        )


def known_architecture(name: str) -> bool:
    """Whether the installed transformers has this causal language model (True if that is not known)."""
    known = _architectures()
    return not known or f'"{name}"' in known


def _stamp(path: Path) -> Stamp:
    """Changes when a file that affects what the model reads or writes does."""
    files = [path / name for name in _TEXT_FILES] + sorted((path / NAMED_TEMPLATES).glob("*.jinja"))
    return tuple(
        (str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()
    )


@lru_cache(maxsize=64)  # a tokenizer.json can have many megabytes, and models are listed often
def _text_digest(path: Path, stamp: Stamp) -> bytes:
    """The digest of these files' names and contents."""
    digest = hashlib.sha256()
    for name, size, _ in stamp:
        model_text.check_size(path / name)
        digest.update(f"{name}:{size}:".encode() + (path / name).read_bytes())
    return digest.digest()


_test_chat = Limited("core.models.base_models.local_folder:problem_with_chat", memory_bytes=4 << 30, cpu_s=20)


@lru_cache(maxsize=64)
def _speaks(path: Path, vocab_size: int, stamp: Stamp) -> tuple[str, str] | None:
    """Why a test chat cannot be turned into token ids of the model, with the remedy; None if it can.

    A tokenizer has patterns and replacements by its author, so the first chat is tried in a child with limits.
    """
    try:
        problem: tuple[str, str] | None = _test_chat(str(path), vocab_size)
    except LimitExceeded as error:
        return f"{path.name}: a chat of two turns needs more than {error.limit}.", "Choose another model."
    return (problem[0], problem[1]) if problem else None


def problem_with_chat(directory: str, vocab_size: int) -> tuple[str, str] | None:
    """In the child: as `_speaks`."""
    load_tokenizer.cache_clear()  # the last model's
    path = Path(directory)
    try:
        tokenizer = load_tokenizer(path)
    except DataError as error:
        return error.message, error.remedy
    words = tokenizer.vocab_size
    if words > vocab_size:
        return (
            f"{path.name}: the tokenizer has {words:,} tokens, but the model has {vocab_size:,}; they do not match.",
            "Add the tokenizer that belongs to these weights.",
        )
    try:
        rendered = render((Message("user", "Hello"), Message("assistant", "Good day.")), tokenizer)
    except DataError as error:
        return f"{path.name}: {error.message}", error.remedy
    except Exception as error:  # the tokenizers library raises bare Exception
        return f"{path.name}: the tokenizer fails on a chat of two turns: {error}.", "Download or save it again."
    outside = [token for token in rendered.input_ids if token >= vocab_size]
    if outside:
        return (
            f"{path.name}: the chat template uses token {outside[0]}, but the model has {vocab_size:,} tokens.",
            "Add the tokenizer that belongs to these weights.",
        )
    if 1 not in rendered.assistant_mask or "Good day." not in rendered.text:
        return (
            f"{path.name}: the chat template omits the assistant's text.",
            "Fix chat_template.jinja, or use the model's original template.",
        )
    return None


def _header(file: Path) -> tuple[int, dict[str, Any]]:
    """The length of the header in bytes, and its content."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > min(_MAX_HEADER_BYTES, file.stat().st_size):
                raise ValueError("header longer than the file")
            header: dict[str, Any] = json.loads(stream.read(length))
            return length, header
    except (OSError, ValueError, RecursionError, struct.error) as error:
        raise _error(f"{file.name} is not a readable safetensors file: {error}.", _AGAIN) from error


def _json(file: Path) -> dict[str, Any]:
    try:
        return model_text.read_json(file)
    except FileNotFoundError as error:
        raise _error(f"{file.parent.name} has no {file.name}.") from error


def _error(message: str, remedy: str = _REMEDY) -> DataError:
    return DataError(message, remedy, code="base_model")
