"""The config of a restored model: the file's numbers under transformers' names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy
import torch
from transformers import AutoConfig, GenerationConfig

from core.errors import DataError
from core.models.base_models.gguf_file import ARCHITECTURES, GgufFile
from core.models.base_models.gguf_vocabulary import NamedTokens
from worker.training.gguf_restore.weights import rows_of

_REMEDY: Final = "Choose the model's original directory of safetensors."
ROPE_FACTORS: Final = "rope_freqs.weight"
# of Llama 3.1 to 3.3, which differ in the factor only. Source: their config.json
_LOW, _HIGH, _LENGTH = 1.0, 4.0, 8192
_ROPE_THETA: Final = 10_000.0  # llama.cpp's default


def model_config(file: GgufFile, tokens: NamedTokens) -> Any:
    """The transformers config of a file.

    Raises:
        DataError: a number is missing or unusable, or the file needs something that is not restored.
    """
    try:
        values = _values(file)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise DataError(
            f"{file.path.name} is not a usable GGUF file: {error}.",
            "Download or copy the file again.",
            code="base_model",
        ) from error
    return AutoConfig.for_model(
        file.architecture,
        **values,
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
    hidden, heads = _number(file, "embedding_length"), _number(file, "attention.head_count")
    head_dim = _number(file, "attention.key_length", hidden // heads)
    for key in ("attention.value_length", "rope.dimension_count"):
        if _number(file, key, head_dim) != head_dim:
            raise _unsupported(file, f"{key} = {file.get(key)} with heads of {head_dim}")
    length = _number(file, "context_length")
    window = file.get("attention.sliding_window")
    if window and window < length:
        raise _unsupported(file, f"attention within a window of {window:,} tokens")
    return {
        "hidden_size": hidden,
        "intermediate_size": _number(file, "feed_forward_length"),
        "num_hidden_layers": _number(file, "block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": _number(file, "attention.head_count_kv", heads),
        "head_dim": head_dim,
        "rms_norm_eps": float(file.get("attention.layer_norm_rms_epsilon")),
        "max_position_embeddings": length,
        "vocab_size": shapes["token_embd.weight"][0],
        "tie_word_embeddings": "output.weight" not in shapes,
        "rope_parameters": {"rope_theta": float(file.get("rope.freq_base", _ROPE_THETA)), **_rope(file, head_dim)},
    }


def _number(file: GgufFile, key: str, default: int | None = None) -> int:
    value = file.get(key, default)
    if type(value) is not int or not 1 <= value <= 1 << 30:
        raise ValueError(f"{file.architecture}.{key} is {value!r:.50}")
    return value


def _rope(file: GgufFile, head_dim: int) -> dict[str, Any]:
    """How positions are scaled beyond the length that the model was first trained on."""
    kind = file.get("rope.scaling.type", "none")
    factors = next((tensor for tensor in file.tensors if tensor.name == ROPE_FACTORS), None)
    if factors is not None:
        values = numpy.concatenate(list(rows_of(file, factors))).reshape(-1)
        return _llama3_rope(file, values, head_dim)
    if kind == "linear":
        return {"rope_type": "linear", "factor": float(file.get("rope.scaling.factor"))}
    if kind != "none":
        raise _unsupported(file, f"the position scaling {str(kind)[:50]}")
    return {"rope_type": "default"}


def _llama3_rope(file: GgufFile, factors: numpy.ndarray, head_dim: int) -> dict[str, Any]:
    """The parameters of Llama 3's scaling, which the file stores as the factor of each frequency.

    The largest factor is the model's; the others must follow from it.
    """
    factor = float(factors.max())
    theta = float(file.get("rope.freq_base", _ROPE_THETA))
    waves = 2 * numpy.pi * theta ** (numpy.arange(0, head_dim, 2) / head_dim)  # tokens
    smooth = numpy.clip((_LENGTH / waves - _LOW) / (_HIGH - _LOW), 0, 1)
    expected = 1 / ((1 - smooth) / factor + smooth)
    if factors.shape != expected.shape or not numpy.allclose(factors, expected, rtol=1e-3):
        raise _unsupported(file, "the position scaling in rope_freqs.weight, which is not Llama 3's")
    return {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": _LOW,
        "high_freq_factor": _HIGH,
        "original_max_position_embeddings": _LENGTH,
    }


def _unsupported(file: GgufFile, what: str) -> DataError:
    return DataError(f"{file.path.name} uses {what}, which cannot be restored.", _REMEDY, code="base_model")
