"""Prefix tuning: the base does not change; learned keys and values are put in front of every layer's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from core.models.methods.base import Method, MethodColor, ModelShape, setting
from core.models.methods.presets import Preset, SizeClass, tiny


class PrefixTuning(Method):
    """Settings of prefix tuning. Source: Li & Liang 2021, "Prefix-Tuning: Optimizing Continuous Prompts"."""

    id: ClassVar[str] = "prefix_tuning"
    title: ClassVar[str] = "Prefix Tuning"
    badge: ClassVar[str] = "Minimal"
    color: ClassVar[MethodColor] = "violet"
    icon: ClassVar[str] = ":material/format_indent_increase:"
    tagline: ClassVar[str] = "Trains continuous prompts only"
    claims: ClassVar[tuple[str, ...]] = ("Minimal parameter updates", "Best for small adjustments")
    mergeable: ClassVar[bool] = False  # a prefix is not a weight of the base
    gguf: ClassVar[bool] = False
    packs: ClassVar[bool] = False  # the prefix is in front of a row, so a row holds one example
    recomputes: ClassVar[bool] = False  # the prefix is in the cache, which recomputed layers do not see
    how: ClassVar[str] = (
        "No layer changes. A few learned vectors are put in front of every layer's keys and values, like a prompt that "
        "no words could spell. They start as the keys and values of a few training examples."
    )
    serves: ClassVar[str] = "Only this studio and transformers; no GGUF server supports it."
    peft_type: ClassVar[str | None] = "PREFIX_TUNING"
    presets: ClassVar[Mapping[SizeClass, Preset]] = {
        # At 3e-2 a prefix learns too slowly on the starter: its loss per answer token was 5.5 after 30 epochs, at 1e-1
        # 3.5 (`bench/RESULTS.md`).
        "tiny": tiny(1e-1, seen=15_000, max_epochs=100, batch=8, virtual_tokens=32),
        # Enough to start from one or two complete examples: on SmolLM2 the loss before the first step is 2.3 with 20,
        # 0.79 with 64, 0.44 with 128 and 0.42 with 256 (`bench/RESULTS.md`).
        "general": Preset({"virtual_tokens": 128}, {"learning_rate": 1e-2}),
    }

    virtual_tokens: Annotated[int, Field(ge=1, le=256)] = setting(
        default=20,
        title="Virtual tokens",
        description="How many learned keys and values are put in front of the text in every layer.",
        usual="10-200",
        up="More influence; training gets less steady, and the longest text gets shorter by as many tokens.",
        source="20, as PEFT's examples have it (Li & Liang 2021: 10 for tables, 200 for summaries)",
        extra={"less_memory": 0.5},
    )
    start: Literal["examples", "random"] = setting(
        default="examples",
        title="First prefix",
        description="What the prefix is before the first step: the keys and values that the base computes for as many "
        "tokens of training examples, or random numbers. With the projection it is always random.",
        usual="training examples",
        up="From training examples the base starts as if it had read them; from random numbers it starts confused.",
        source="examples: Li & Liang 2021, section 7.3, start from real words; PEFT's default is random",
        extra={
            "labels": {"examples": "Training examples (recommended)", "random": "Random numbers"},
            "when": {"projection": [False]},
        },
    )
    projection: bool = setting(
        default=False,
        title="Projection",
        description="Compute the prefix with a small network during training. The network is not saved.",
        usual="on for large models, off for small ones",
        up="Steadier training, and many more parameters to train.",
        source="off, as in PEFT (Li & Liang 2021, section 4.3: on)",
    )
    projection_hidden_size: Annotated[int, Field(ge=8, le=8192)] = setting(
        default=512,
        title="Width of the projection",
        description="How many hidden units that small network has.",
        usual="256-1024",
        up="The prefixes of the layers can differ more; memory grows in proportion.",
        source="512, as in Li & Liang 2021, table-to-text",
        extra={"when": {"projection": [True]}},
    )

    def peft_arguments(self) -> dict[str, Any] | None:
        return {
            "task_type": "CAUSAL_LM",
            "num_virtual_tokens": self.virtual_tokens,
            "prefix_projection": self.projection,
            "encoder_hidden_size": self.projection_hidden_size if self.projection else None,
        }

    def start_tokens(self) -> int:
        return self.virtual_tokens if self.start == "examples" and not self.projection else 0

    def trainable_params(self, shape: ModelShape) -> int:
        """A key and a value for each virtual token and layer; with the projection, the network that computes them."""
        per_token = 2 * shape.num_layers * shape.kv_size
        if not self.projection:
            return self.virtual_tokens * per_token
        hidden = self.projection_hidden_size
        return self.virtual_tokens * shape.kv_size + (shape.kv_size + 1) * hidden + (hidden + 1) * per_token

    def kept_per_token(self, shape: ModelShape, length: int) -> float:
        """A row with a prefix has a mask: every layer stores it, and keys and values once for each query head."""
        heads = sum(inputs for name, inputs, _ in shape.linear_shapes() if name == "o_proj")
        return 2 * (heads - shape.num_layers * shape.kv_size) + shape.num_layers * (length + self.virtual_tokens)

    def saved_params(self, shape: ModelShape) -> int:
        """The finished keys and values; the projection is no longer needed."""
        return self.virtual_tokens * 2 * shape.num_layers * shape.kv_size
