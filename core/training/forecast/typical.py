"""The typical shape of a model of which only the number of parameters is known, to forecast its memory roughly."""

from __future__ import annotations

import math
from typing import Final

from core.models.base_models.records import Dims

# Layers by the number of parameters up to which they are usual. Source: config.json of Qwen2.5, Llama 3 and SmolLM2.
_LAYERS: Final = ((10e9, 28), (25e9, 48), (50e9, 64), (math.inf, 80))
_SMALL, _VOCABULARY, _SMALL_VOCABULARY = 400_000_000, 128_000, 49_152
_WIDER: Final = 3.5  # the inner layer of an MLP, relative to the hidden size
_PER_LAYER: Final = 2.5 + 3 * _WIDER  # weights of a layer in hidden sizes squared: attention with few keys, and the MLP
_HEAD: Final = 64


def typical_dims(params: int) -> Dims:
    """A Llama-like shape with about so many parameters (within a few percent of them)."""
    vocabulary = _SMALL_VOCABULARY if params < _SMALL else _VOCABULARY
    layers = next(count for most, count in _LAYERS if params < most)
    squares = _PER_LAYER * layers
    hidden = (math.sqrt(vocabulary**2 + 4 * squares * params) - vocabulary) / (2 * squares)
    heads = max(4, round(hidden / _HEAD))
    return Dims(
        architecture="LlamaForCausalLM",
        params=params,
        hidden_size=heads * _HEAD,
        intermediate_size=round(heads * _HEAD * _WIDER),
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=heads // 4,
        head_dim=_HEAD,
        vocab_size=vocabulary,
        max_position_embeddings=32_768,
    )
