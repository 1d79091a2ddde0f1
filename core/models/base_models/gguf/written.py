"""Which models the studio writes as GGUF files: an architecture is listed once a test compares it with llama.cpp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.models.base_models.gguf.file import ARCHITECTURES

# transformers' class -> llama.cpp's name. Mistral without a sliding window is a Llama.
_WRITTEN: Final[Mapping[str, str]] = {
    **{architecture: name for name, architecture in ARCHITECTURES.items()},
    "MistralForCausalLM": "llama",
}
_ROPES: Final = ("default", "linear", "llama3")


def gguf_name(architecture: str) -> str:
    """llama.cpp's name of an architecture; "" if it is not written."""
    return _WRITTEN.get(architecture, "")


def refused_architecture(architecture: str) -> str:
    """Why models of this architecture are not written as GGUF; "" if they are."""
    if gguf_name(architecture):
        return ""
    return f"The studio has no verified GGUF mapping for {architecture}."


def refused_config(config: Mapping[str, Any]) -> str:
    """Why a model with this config.json is not written as GGUF; "" if it is."""
    architecture = str((config.get("architectures") or ["?"])[0])
    if reason := refused_architecture(architecture):
        return reason
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in _ROPES:
        return f"The position scaling {kind} of this model has no verified GGUF mapping."
    window, length = config.get("sliding_window"), config.get("max_position_embeddings") or 0
    if window and window < length and config.get("use_sliding_window", True):
        return f"The model's attention window of {window:,} tokens has no verified GGUF mapping."
    if config.get("mlp_bias") or (gguf_name(architecture) == "llama" and config.get("attention_bias")):
        return "A Llama model with biases has no verified GGUF mapping."
    return ""
