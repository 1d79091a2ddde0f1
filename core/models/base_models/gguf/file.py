"""A GGUF file's header, read and checked before anything is restored from it: no weights, no torch, bounded memory.

Source: the GGUF specification of the ggml project, versions 2 and 3.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from core.errors import DataError
from core.models.base_models.gguf.vocabulary import PRE_TOKENIZERS, TOKENIZERS, special_tokens
from core.text import plural, size as size_text

MAGIC: Final = b"GGUF"
VERSIONS: Final = (2, 3)
# Architectures that are restored: of each, a test compares tensors and answers. The class is transformers'.
ARCHITECTURES: Final[Mapping[str, str]] = {
    "llama": "LlamaForCausalLM",  # also Mistral, SmolLM and TinyLlama
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}
# ggml's number of a tensor type -> its name, weights per block, bytes per block. Source: ggml.h.
TENSOR_TYPES: Final[Mapping[int, tuple[str, int, int]]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    20: ("IQ4_NL", 32, 18),
    23: ("IQ4_XS", 256, 136),
    30: ("BF16", 1, 2),
}
_MAX_ENTRIES: Final = 65_536  # of metadata, and of tensors; the largest models have some 2,000
_MAX_STRING: Final = 16_000_000  # bytes; the longest known are chat templates of 30,000
_MAX_ARRAY: Final = 4_000_000  # items; the longest known are 500,000 merges
_MAX_HEADER: Final = 64 << 20  # bytes; the largest known are 15,000,000, and a value takes ten times its bytes here
_MAX_TOKEN: Final = 1_000  # characters; the longest known are runs of 128 spaces
_MAX_AXES: Final = 4
_ALIGNMENT: Final = 32
_STRING, _ARRAY = 8, 9
_NUMBERS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_AGAIN: Final = "Download or copy the file again."
_ORIGINAL: Final = "Choose the model's original directory of safetensors, or another GGUF file."


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor. `shape` is in the order of torch and numpy (the file has it reversed); `begin` counts from the start
    of the file."""

    name: str
    shape: tuple[int, ...]
    type_id: int
    begin: int

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        _, block, width = TENSOR_TYPES[self.type_id]
        return self.count // block * width


@dataclass(frozen=True, slots=True)
class GgufFile:
    """The header of a GGUF file that can be restored."""

    path: Path
    metadata: Mapping[str, Any]
    tensors: tuple[GgufTensor, ...]

    @property
    def architecture(self) -> str:
        return str(self.metadata["general.architecture"])

    @property
    def params(self) -> int:
        return sum(tensor.count for tensor in self.tensors)

    @property
    def quantization(self) -> str:
        """The type of most of the weights, such as Q4_1; F32, F16 and BF16 are not quantized."""
        counts: dict[str, int] = {}
        for tensor in self.tensors:
            name = TENSOR_TYPES[tensor.type_id][0]
            counts[name] = counts.get(name, 0) + tensor.count
        return max(counts, key=lambda name: counts[name])

    def tokens(self) -> list[str]:
        return list(self.metadata["tokenizer.ggml.tokens"])

    def get(self, key: str, default: Any = None) -> Any:
        """A value of the architecture: `get("block_count")` reads `llama.block_count`."""
        return self.metadata.get(f"{self.architecture}.{key}", default)


def bits(quantization: str) -> int | None:
    """Bits per weight of a quantized type, as its name says: 4 for Q4_1; None where it is not quantized."""
    digits = quantization.lstrip("I")[1:2] if quantization.lstrip("I").startswith("Q") else ""
    return int(digits) if digits.isdigit() else None


def read(path: Path) -> GgufFile:
    """The header of a GGUF file, checked: it is complete, its tensors are inside the file, and it can be restored.

    Raises:
        DataError: says what is wrong, and what to do.
    """
    try:
        with path.open("rb") as stream:
            return _checked(_Reader(path, stream).read())
    except OSError as error:
        raise _error(f"{path.name[:200]} cannot be read: {error.strerror or error}.", "Check the path.") from error


class _Reader:
    """Reads the values of a header one after the other; nothing is read that the file does not have."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path, self.stream = path, stream
        self.size = path.stat().st_size

    def read(self) -> GgufFile:
        self._check_start()
        tensor_count, entry_count = self._count("tensors"), self._count("metadata entries")
        metadata: dict[str, Any] = {}
        for _ in range(entry_count):
            key = self._string()
            if key in metadata:
                raise self._broken(f"{key[:100]} appears twice")
            metadata[key] = self._value(self._number("I"))
        entries = [self._tensor() for _ in range(tensor_count)]
        alignment = metadata.get("general.alignment", _ALIGNMENT)
        if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20:
            raise self._broken(f"the alignment is {alignment}")
        start = -(-self.stream.tell() // alignment) * alignment
        tensors = tuple(GgufTensor(name, shape, type_id, start + offset) for name, shape, type_id, offset in entries)
        return GgufFile(self.path, metadata, tensors)

    def _check_start(self) -> None:
        if self._bytes(4) != MAGIC:
            raise _error(f"{self.path.name} is not a GGUF file.", "Choose a file whose name ends in .gguf.")
        version = self._number("I")
        if version in VERSIONS:
            return
        if int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS:
            raise _error(
                f"{self.path.name} is a big-endian GGUF file, written for another kind of processor.", _ORIGINAL
            )
        raise _error(f"{self.path.name} has version {version} of GGUF; 2 and 3 are supported.", _ORIGINAL)

    def _count(self, what: str) -> int:
        count: int = self._number("Q")
        if count > _MAX_ENTRIES:
            raise self._broken(f"it announces {count:,} {what}; the limit is {_MAX_ENTRIES:,}")
        return count

    def _tensor(self) -> tuple[str, tuple[int, ...], int, int]:
        name, axes = self._string(), self._number("I")
        if not 1 <= axes <= _MAX_AXES:
            raise self._broken(f"{name[:100]} has {axes:,} dimensions")
        shape = tuple(reversed([self._number("Q") for _ in range(axes)]))
        return name, shape, self._number("I"), self._number("Q")

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array()
        return self._number(self._format(kind))

    def _array(self) -> list[Any]:
        kind, count = self._number("I"), self._number("Q")
        if count > _MAX_ARRAY:
            raise self._broken(f"a list has {count:,} items; the limit is {_MAX_ARRAY:,}")
        if kind == _STRING:
            return [self._string() for _ in range(count)]
        form = self._format(kind)
        return list(struct.unpack(f"<{count}{form}", self._bytes(count * struct.calcsize(form))))

    def _format(self, kind: int) -> str:
        if kind not in _NUMBERS:
            raise self._broken(f"a value has the unknown type {kind}")
        return _NUMBERS[kind]

    def _string(self) -> str:
        length = self._number("Q")
        if length > _MAX_STRING:
            raise self._broken(f"a text has {length:,} bytes; the limit is {_MAX_STRING:,}")
        try:
            return self._bytes(length).decode()
        except UnicodeDecodeError as error:
            raise self._broken("a text is not UTF-8") from error

    def _number(self, form: str) -> Any:
        return struct.unpack(f"<{form}", self._bytes(struct.calcsize(f"<{form}")))[0]

    def _bytes(self, count: int) -> bytes:
        end = self.stream.tell() + count
        if end > self.size:
            raise _error(f"{self.path.name} is cut off: it ends in its header.", _AGAIN)
        if end > _MAX_HEADER:
            raise self._broken(f"its header has more than {size_text(_MAX_HEADER)}")
        return self.stream.read(count)

    def _broken(self, what: str) -> DataError:
        return _error(f"{self.path.name} is not a usable GGUF file: {what}.", _AGAIN)


def _checked(file: GgufFile) -> GgufFile:
    """The file, if it can be restored."""
    _check_kind(file)
    _check_tensors(file)
    _check_tokenizer(file)
    return file


def _check_kind(file: GgufFile) -> None:
    name, metadata = file.path.name, file.metadata
    kind, parts = metadata.get("general.type", "model"), metadata.get("split.count", 1)
    if kind != "model":
        raise _error(f"{name} is not a model: its type is {str(kind)[:50]}.", "Choose the GGUF file of the model.")
    if isinstance(parts, int) and parts > 1:
        raise _error(
            f"{name} is one of {parts:,} parts of a model.",
            "Join them first: llama-gguf-split --merge FIRST-PART OUTPUT.gguf.",
        )
    architecture = str(metadata.get("general.architecture", "?"))[:50]
    if architecture not in ARCHITECTURES:
        raise _error(
            f"{name}: the architecture {architecture} cannot be restored from GGUF.",
            f"Restorable are {', '.join(ARCHITECTURES)}. For others, choose the model's original directory of "
            "safetensors.",
        )
    if file.get("expert_count"):
        raise _error(f"{name} is a mixture of experts, which cannot be restored from GGUF.", _ORIGINAL)


def _check_tensors(file: GgufFile) -> None:
    name, size = file.path.name, file.path.stat().st_size
    if not file.tensors:
        raise _error(f"{name} contains no weights.", _ORIGINAL)
    if len({tensor.name for tensor in file.tensors}) < len(file.tensors):
        raise _error(f"{name} is not a usable GGUF file: a tensor appears twice.", _AGAIN)
    total = 0
    for tensor in file.tensors:
        if tensor.type_id not in TENSOR_TYPES:
            raise _error(
                f"{name}: {tensor.name[:100]} has the tensor type {tensor.type_id}, which cannot be restored.",
                f"Choose a GGUF file of another quantization: {', '.join(kind[0] for kind in TENSOR_TYPES.values())}.",
            )
        if tensor.shape[-1] % TENSOR_TYPES[tensor.type_id][1]:
            raise _error(
                f"{name} is not a usable GGUF file: {tensor.name[:100]} has rows of {tensor.shape[-1]:,} weights, "
                f"which does not fit its type.",
                _AGAIN,
            )
        total += tensor.size
        if (missing := tensor.begin + tensor.size - size) > 0:
            raise _error(
                f"{name} is cut off: {tensor.name[:100]} ends {plural(missing, 'byte')} after the end of the file.",
                _AGAIN,
            )
    if total > size:
        raise _error(f"{name} is not a usable GGUF file: its tensors overlap.", _AGAIN)


def _check_tokenizer(file: GgufFile) -> None:
    name, metadata = file.path.name, file.metadata
    kind = str(metadata.get("tokenizer.ggml.model", "none"))[:50]
    if kind not in TOKENIZERS:
        raise _error(
            f"{name}: its kind of tokenizer ({kind}) cannot be restored.",
            f"Restorable are {' and '.join(TOKENIZERS)}. For others, choose the original directory of safetensors.",
        )
    pre = str(metadata.get("tokenizer.ggml.pre", "none"))[:50]
    if kind == "gpt2" and pre not in PRE_TOKENIZERS:
        raise _error(
            f"{name}: how its tokenizer cuts a text ({pre}) is not supported.",
            f"Supported are {', '.join(PRE_TOKENIZERS)}. For others, choose the original directory of safetensors.",
        )
    tokens = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list) or not tokens or not all(isinstance(token, str) for token in tokens):
        raise _error(f"{name} has no vocabulary.", _ORIGINAL)
    if (longest := max(map(len, tokens))) > _MAX_TOKEN:
        raise _error(
            f"{name} is not a usable GGUF file: a token has {longest:,} characters; the limit is {_MAX_TOKEN:,}.",
            _AGAIN,
        )
    if twice := next((token for token, count in Counter(tokens).items() if count > 1 and token), None):
        raise _error(f"{name} is not a usable GGUF file: its vocabulary has the token {twice[:50]!r} twice.", _AGAIN)
    template = metadata.get("tokenizer.chat_template")
    if not isinstance(template, str) or not template.strip():
        raise _error(
            f"{name} has no chat template, so it is a text model rather than a chat model.",
            "Choose its instruct or chat sibling.",
        )
    needed = {"gpt2": "merges", "llama": "scores"}[kind]
    for key in ("token_type", needed):
        values = metadata.get(f"tokenizer.ggml.{key}")
        if not isinstance(values, list) or (key != "merges" and len(values) != len(tokens)):
            raise _error(f"{name} is not a usable GGUF file: its vocabulary has no matching {key}.", _AGAIN)
    for key in ("bos", "eos", "unknown", "padding", "eot"):
        number = metadata.get(f"tokenizer.ggml.{key}_token_id", 0)
        if not isinstance(number, int) or not 0 <= number < len(tokens):
            raise _error(f"{name} is not a usable GGUF file: its {key} token is {number!r}.", _AGAIN)
    try:
        special_tokens(metadata)
    except ValueError as error:
        raise _error(f"{name} is not a usable GGUF file: {error}.", _ORIGINAL) from error


def _error(message: str, remedy: str) -> DataError:
    return DataError(message, remedy, code="base_model")
