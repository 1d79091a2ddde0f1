"""What the studio knows about a base model, read from its config.json (or from the starter's recipe)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from core.errors import DataError
from core.models.base_models.restored import RestoredFrom
from core.models.base_models.sources import ModelSource
from core.models.methods import METHODS
from core.models.methods.presets import Preset

# Far above every published model: what a job computes per layer or per token must end.
LIMITS: Final = {
    "hidden_size": 1 << 18,
    "intermediate_size": 1 << 21,
    "num_layers": 2_000,
    "num_heads": 1 << 14,
    "num_kv_heads": 1 << 14,
    "head_dim": 1 << 14,
    "vocab_size": 1 << 24,
    "max_position_embeddings": 1 << 28,
}


@dataclass(frozen=True, slots=True)
class Dims:
    """The shape of a decoder-only transformer. `params` counts every weight, tied embeddings once."""

    architecture: str  # transformers' class name, e.g. "LlamaForCausalLM"
    params: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    vocab_size: int
    max_position_embeddings: int
    tie_embeddings: bool = True

    @property
    def kv_size(self) -> int:
        """Width of the keys (and of the values) of one token."""
        return self.num_kv_heads * self.head_dim

    def linear_shapes(self) -> list[tuple[str, int, int]]:
        """Every linear layer of the blocks as (module name, in features, out features)."""
        hidden, inner, heads = self.hidden_size, self.intermediate_size, self.num_heads * self.head_dim
        if self.architecture.startswith("Phi3"):  # Phi-3 and -4 fuse q, k, v and gate, up
            block = [
                ("qkv_proj", hidden, heads + 2 * self.kv_size),
                ("o_proj", heads, hidden),
                ("gate_up_proj", hidden, 2 * inner),
                ("down_proj", inner, hidden),
            ]
        else:
            block = [
                ("q_proj", hidden, heads),
                ("k_proj", hidden, self.kv_size),
                ("v_proj", hidden, self.kv_size),
                ("o_proj", heads, hidden),
                ("gate_proj", hidden, inner),
                ("up_proj", hidden, inner),
                ("down_proj", inner, hidden),
            ]
        return block * self.num_layers

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, params: int | None = None) -> Dims:
        """Read a transformers `config.json`.

        Args:
            config: the parsed file.
            params: the exact count from the weights, where it is known; else it is computed from the shape.

        Raises:
            DataError: a size is missing, or the architecture is not a decoder-only language model.
        """
        named = config.get("architectures")
        architecture = str(named[0])[:200] if isinstance(named, list) and named else "?"
        if not architecture.endswith("ForCausalLM"):
            raise DataError(
                f"config.json names the architecture {architecture}, which is not a causal language model.",
                "Choose a model whose architecture ends in ForCausalLM.",
                code="base_model",
            )
        try:
            hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
            dims = cls(
                architecture=architecture,
                params=params or 0,
                hidden_size=hidden,
                intermediate_size=int(config["intermediate_size"]),
                num_layers=int(config["num_hidden_layers"]),
                num_heads=heads,
                num_kv_heads=int(config.get("num_key_value_heads") or heads),
                head_dim=int(config.get("head_dim") or hidden // heads),
                vocab_size=int(config["vocab_size"]),
                max_position_embeddings=int(config.get("max_position_embeddings") or 2048),
                tie_embeddings=bool(config.get("tie_word_embeddings", False)),
            )
            sizes = {field.name: getattr(dims, field.name) for field in fields(cls)}
            if wrong := [name for name, size in sizes.items() if type(size) is int and size < 1 and name != "params"]:
                raise ValueError(f"{wrong[0]}: it is {sizes[wrong[0]]}")
            if large := [name for name, most in LIMITS.items() if sizes[name] > most]:
                raise ValueError(f"{large[0]}: it is {sizes[large[0]]:,}; the limit is {LIMITS[large[0]]:,}")
        except (KeyError, OverflowError, TypeError, ValueError, ZeroDivisionError) as error:
            raise DataError(
                f"config.json has no usable value: {error}.", "Choose another model directory.", code="base_model"
            ) from error
        return dims if params else dims.with_counted_params()

    def with_counted_params(self) -> Dims:
        """The same shape with `params` computed: embeddings, linear layers and norms, without biases (< 0.1 %)."""
        embeddings = self.vocab_size * self.hidden_size * (1 if self.tie_embeddings else 2)
        linear = sum(inputs * outputs for _, inputs, outputs in self.linear_shapes())
        norms = (2 * self.num_layers + 1) * self.hidden_size
        return replace(self, params=embeddings + linear + norms)


@dataclass(frozen=True, slots=True)
class BaseModelRef:
    """A base model as a job names it.

    `ready` is True when training can start from `path` now. When not, `reason` says why and `command` is what to type
    (the starter needs no command: a job waits until it is built). `dims` is None as long as no config.json is here.
    `unusable` is True if files were found but cannot be used: `reason` names the one that is wrong, and what to do.
    """

    id: str
    title: str
    family: str
    text: str
    ready: bool
    path: Path | None = None
    revision: str = ""
    dims: Dims | None = None
    bytes_per_param: float = 2.0  # bytes per weight in the file
    reason: str = ""
    command: str = ""
    recommended: bool = False
    size: str = ""  # "1.5B"
    license: str = ""
    gated: bool = False  # downloading it needs an account that accepted its license
    unusable: bool = False  # its files were found, but something is wrong with them
    note: str = ""  # a remark before it is used, such as a newer revision in the cache
    presets: Mapping[str, Preset] = field(default_factory=dict)  # by method; these override the method's own
    billions: float = 0.0  # as its card says, for a model whose files are not here
    sources: tuple[ModelSource, ...] = ()  # where it can be fetched from, in the order they are tried
    origin: RestoredFrom | None = None  # of a base whose weights had another form

    @property
    def params(self) -> int:
        """How many parameters it has: counted where its weights are here, else as its card says, else 0."""
        return self.dims.params if self.dims else round(self.billions * 1e9)

    def preset(self, method_id: str) -> Preset:
        """The settings known to work with a method: the method's for models of this size, then this model's own.

        Raises:
            NotFound: no such method.
        """
        return METHODS.get(method_id).preset(self.params).with_overrides(self.presets.get(method_id, Preset()))

    @property
    def download_bytes(self) -> int:
        """About how much a download from the Hub transfers: it stores the catalog's families in 16 bits."""
        return round(self.billions * 2e9)

    def bytes_from(self, source: ModelSource) -> int:
        """About how much a download from this source transfers; 0 if it is not known."""
        return source.bytes or self.download_bytes

    @property
    def architecture(self) -> str:
        return self.dims.architecture if self.dims else ""

    @property
    def buildable(self) -> bool:
        """True for the starter, which the studio builds when it is missing."""
        return self.id == "starter"
