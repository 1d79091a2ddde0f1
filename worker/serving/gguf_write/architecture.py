"""How a transformers model is written in GGUF: its numbers, the names of its tensors, and the order of their rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import gguf
import numpy

from core.errors import SettingsError, TrainingError
from core.models.base_models.gguf.written import gguf_name, refused_config

LARGEST_F16: Final = 65_504.0
_PERMUTED: Final = ("q_proj", "k_proj")
_ROPE_FACTORS: Final = "rope_freqs.weight"
_DEFAULT_THETA: Final = 10_000.0


@dataclass(frozen=True)
class Architecture:
    """A model's config.json, read for GGUF."""

    config: dict[str, Any]

    @classmethod
    def of(cls, directory: Path) -> Architecture:
        """Read a model directory.

        Raises:
            TrainingError: it has no readable config.json. SettingsError: the model cannot be written; says why.
        """
        try:
            config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(f"The config.json of {directory.name} cannot be read.", "Download it again.") from error
        if reason := refused_config(config):
            raise SettingsError(reason, "Use the merged model as safetensors instead.")
        return cls(config)

    @property
    def name(self) -> str:
        """llama.cpp's name, such as `llama`."""
        return gguf_name(str(self.config["architectures"][0]))

    @property
    def layers(self) -> int:
        return int(self.config["num_hidden_layers"])

    @property
    def heads(self) -> int:
        return int(self.config["num_attention_heads"])

    @property
    def kv_heads(self) -> int:
        return int(self.config.get("num_key_value_heads") or self.heads)

    @property
    def head_dim(self) -> int:
        return int(self.config.get("head_dim") or self.config["hidden_size"] // self.heads)

    @property
    def rope(self) -> dict[str, Any]:
        """Kind, base and scaling of the rotary embedding; both spellings of config.json."""
        found = dict(self.config.get("rope_parameters") or self.config.get("rope_scaling") or {})
        found.setdefault("rope_theta", self.config.get("rope_theta") or _DEFAULT_THETA)
        return found

    @cached_property
    def _names(self) -> gguf.TensorNameMap:
        kind = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == self.name)
        return gguf.get_tensor_name_map(kind, self.layers)

    def tensor_name(self, name: str) -> str | None:
        """llama.cpp's name of transformers' `model.layers.0.self_attn.q_proj.weight`; None if it has none."""
        stem, _, suffix = name.rpartition(".")
        found = self._names.get_name(stem)
        return f"{found}.{suffix}" if found else None

    def arranged(self, name: str, values: numpy.ndarray) -> numpy.ndarray:
        """The rows in llama.cpp's order.

        llama.cpp turns neighboring numbers of a head, transformers the two halves, so a Llama's queries and keys are
        stored by pairs. Source: `convert_hf_to_gguf.py`. The B matrix of an adapter has the same rows.
        """
        layer = next((part for part in _PERMUTED if f".{part}." in name), "")
        if self.name != "llama" or not layer:
            return values
        heads = self.heads if layer == "q_proj" else self.kv_heads
        halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
        return numpy.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)

    def describe(self, writer: gguf.GGUFWriter) -> None:
        """Write the model's numbers."""
        config = self.config
        writer.add_block_count(self.layers)
        writer.add_context_length(int(config.get("max_position_embeddings") or 2048))
        writer.add_embedding_length(int(config["hidden_size"]))
        writer.add_feed_forward_length(int(config["intermediate_size"]))
        writer.add_head_count(self.heads)
        writer.add_head_count_kv(self.kv_heads)
        writer.add_key_length(self.head_dim)
        writer.add_value_length(self.head_dim)
        writer.add_rope_dimension_count(self.head_dim)
        writer.add_rope_freq_base(float(self.rope["rope_theta"]))
        writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))
        writer.add_vocab_size(int(config["vocab_size"]))
        if self.rope.get("rope_type", self.rope.get("type")) == "linear":
            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(float(self.rope["factor"]))

    def extra_tensors(self) -> dict[str, numpy.ndarray]:
        """Tensors that transformers computes from its config: the factor of each frequency, for Llama 3's scaling."""
        rope = self.rope
        if rope.get("rope_type", rope.get("type")) != "llama3":
            return {}
        low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
        length, factor = int(rope["original_max_position_embeddings"]), float(rope["factor"])
        waves = 2 * numpy.pi * float(rope["rope_theta"]) ** (numpy.arange(0, self.head_dim, 2) / self.head_dim)
        smooth = numpy.clip((length / waves - low) / (high - low), 0, 1)
        return {_ROPE_FACTORS: (1 / ((1 - smooth) / factor + smooth)).astype(numpy.float32)}
