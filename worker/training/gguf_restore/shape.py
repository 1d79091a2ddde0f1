"""The config of a restored model: the file's numbers under transformers' names."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Final

import numpy
import torch
from transformers import AutoConfig, GenerationConfig

from core.errors import DataError
from core.models.base_models.gguf.file import ARCHITECTURES, GgufFile
from core.models.base_models.gguf.vocabulary import NamedTokens
from core.models.base_models.records import LIMITS
from worker.training.gguf_restore.refusals import refusing
from worker.training.gguf_restore.weights import rows_of

_REMEDY: Final = "Choose the model's original directory of safetensors."
ROPE_FACTORS: Final = "rope_freqs.weight"
# of Llama 3.1 to 3.3, which differ in the factor only. Source: their config.json
_LOW, _HIGH, _LENGTH = 1.0, 4.0, 8192
_ROPE_THETA: Final = 10_000.0  # llama.cpp's default
_BLOCK: Final = re.compile(r"blk\.(\d+)\.")


def model_config(file: GgufFile, tokens: NamedTokens) -> Any:
    """The transformers config of a file.

    Raises:
        DataError: a number is missing or unusable, or the file needs something that is not restored.
    """
    with refusing(file.path):
        return AutoConfig.for_model(
            file.architecture,
            **_values(file),
            bos_token_id=tokens.begin,
            eos_token_id=tokens.end,
            pad_token_id=tokens.pad,
            architectures=[ARCHITECTURES[file.architecture]],
            dtype=torch.bfloat16,
        )


def save_config(config: Any, tokens: NamedTokens, directory: Path) -> None:
    """Write config.json and generation_config.json: every token that ends an answer."""
    config.save_pretrained(directory)
    ends = list(tokens.ends) if len(tokens.ends) > 1 else tokens.end
    GenerationConfig(bos_token_id=tokens.begin, eos_token_id=ends, pad_token_id=tokens.pad).save_pretrained(directory)


def _values(file: GgufFile) -> dict[str, Any]:
    shapes = {tensor.name: tensor.shape for tensor in file.tensors}
    if "token_embd.weight" not in shapes:
        raise ValueError("token_embd.weight is missing")
    hidden = _number(file, "embedding_length", "hidden_size")
    heads = _number(file, "attention.head_count", "num_heads")
    head_dim = _number(file, "attention.key_length", "head_dim", hidden // heads)
    for key in ("attention.value_length", "rope.dimension_count"):
        if _number(file, key, "head_dim", head_dim) != head_dim:
            raise _unsupported(file, f"{key} = {file.get(key)} with heads of {head_dim}")
    length = _number(file, "context_length", "max_position_embeddings")
    window = file.get("attention.sliding_window")
    if window and window < length:
        raise _unsupported(file, f"attention within a window of {window:,} tokens")
    return {
        "hidden_size": hidden,
        "intermediate_size": _number(file, "feed_forward_length", "intermediate_size"),
        "num_hidden_layers": _layers(file),
        "num_attention_heads": heads,
        "num_key_value_heads": _number(file, "attention.head_count_kv", "num_kv_heads", heads),
        "head_dim": head_dim,
        "rms_norm_eps": _positive(file, "attention.layer_norm_rms_epsilon"),
        "max_position_embeddings": length,
        "vocab_size": _within("token_embd.weight", shapes["token_embd.weight"][0], "vocab_size"),
        "tie_word_embeddings": "output.weight" not in shapes,
        "rope_parameters": {"rope_theta": _positive(file, "rope.freq_base", _ROPE_THETA), **_rope(file, head_dim)},
    }


def _layers(file: GgufFile) -> int:
    """The number of layers, which the weights must have: a model of any number is built to place them."""
    layers = _number(file, "block_count", "num_layers")
    found = {match[1] for tensor in file.tensors if (match := _BLOCK.match(tensor.name))}
    if len(found) != layers:
        raise ValueError(f"{file.architecture}.block_count is {layers:,}, but it has weights of {len(found):,} layers")
    return layers


def _number(file: GgufFile, key: str, limit: str, default: int | None = None) -> int:
    return _within(f"{file.architecture}.{key}", file.get(key, default), limit)


def _within(name: str, value: Any, limit: str) -> int:
    """The value, if it is a size that a model can have; `limit`: a key of LIMITS."""
    if type(value) is not int or not 1 <= value <= LIMITS[limit]:
        raise ValueError(f"{name} is {value!r:.50}")
    return value


def _positive(file: GgufFile, key: str, default: float | None = None) -> float:
    value = file.get(key, default)
    if type(value) not in (int, float) or not 0 < value < math.inf:
        raise ValueError(f"{file.architecture}.{key} is {value!r:.50}")
    return float(value)


def _rope(file: GgufFile, head_dim: int) -> dict[str, Any]:
    """How positions are scaled beyond the length that the model was first trained on."""
    kind = file.get("rope.scaling.type", "none")
    factors = next((tensor for tensor in file.tensors if tensor.name == ROPE_FACTORS), None)
    if factors is not None:
        values = numpy.concatenate(list(rows_of(file, factors))).reshape(-1)
        return _llama3_rope(file, values, head_dim)
    if kind == "linear":
        return {"rope_type": "linear", "factor": _positive(file, "rope.scaling.factor")}
    if kind != "none":
        raise _unsupported(file, f"the position scaling {str(kind)[:50]}")
    return {"rope_type": "default"}


def _llama3_rope(file: GgufFile, factors: numpy.ndarray, head_dim: int) -> dict[str, Any]:
    """The parameters of Llama 3's scaling, which the file stores as the factor of each frequency.

    The largest factor is the model's; the others must follow from it.
    """
    factor = float(factors.max())
    theta = _positive(file, "rope.freq_base", _ROPE_THETA)
    waves = 2 * numpy.pi * theta ** (numpy.arange(0, head_dim, 2) / head_dim)  # tokens
    smooth = numpy.clip((_LENGTH / waves - _LOW) / (_HIGH - _LOW), 0, 1)
    expected = 1 / ((1 - smooth) / factor + smooth)
    if factors.shape != expected.shape or not numpy.allclose(factors, expected, rtol=1e-3):
        raise _unsupported(file, "another position scaling in rope_freqs.weight than Llama 3's")
    return {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": _LOW,
        "high_freq_factor": _HIGH,
        "original_max_position_embeddings": _LENGTH,
    }


def _unsupported(file: GgufFile, what: str) -> DataError:
    return DataError(f"{file.path.name} uses {what}, which cannot be restored.", _REMEDY, code="base_model")
