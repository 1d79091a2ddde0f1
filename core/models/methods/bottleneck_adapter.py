"""Adapter layers: a narrow layer (down, activation, up) behind the frozen sub-layers of every block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from core.models.methods.base import Method, MethodColor, ModelShape, dropout_setting, setting
from core.models.methods.presets import Preset, SizeClass, tiny

BEHIND = {"houlsby": ("o_proj", "down_proj"), "pfeiffer": ("down_proj",)}  # the last linear layer of each sub-layer


class BottleneckAdapter(Method):
    """Settings of adapter layers. Source: Houlsby et al. 2019; Pfeiffer et al. 2020."""

    id: ClassVar[str] = "bottleneck_adapter"
    title: ClassVar[str] = "Adapter Layers"
    badge: ClassVar[str] = "Modular"
    color: ClassVar[MethodColor] = "yellow"
    icon: ClassVar[str] = ":material/layers:"
    tagline: ClassVar[str] = "Adds trainable layers between frozen layers"
    claims: ClassVar[tuple[str, ...]] = (
        "Modular & composable",
        "Multiple task-specific adapters",
        "Good for multi-task scenarios",
    )
    mergeable: ClassVar[bool] = False  # the layer is not linear, so no matrix of the base can absorb it
    gguf: ClassVar[bool] = False
    how: ClassVar[str] = "A narrow extra layer (down, activation, up) is inserted into each block of the frozen base."
    serves: ClassVar[str] = "In this studio only: the extra layer is not linear, so it cannot be merged into the base."
    peft_type: ClassVar[str | None] = "BOTTLENECK"
    tuner: ClassVar[str] = "worker.training.tuners.bottleneck"  # PEFT ships no such adapter
    presets: ClassVar[Mapping[SizeClass, Preset]] = {
        "tiny": tiny(2e-3, seen=15_000, max_epochs=100, batch=4, reduction=2),
        "general": Preset(training={"learning_rate": 5e-4}),
    }

    placement: Literal["houlsby", "pfeiffer"] = setting(
        default="houlsby",
        title="Placement",
        description="Where the layers are inserted: behind the attention and behind the MLP of each block (Houlsby), "
        "or behind the MLP only (Pfeiffer).",
        usual="either",
        up="Houlsby learns more with twice the layers; Pfeiffer is lighter and faster.",
        source="Houlsby et al. 2019, section 2.1; Pfeiffer et al. 2020, “AdapterFusion”",
        extra={"labels": {"houlsby": "Houlsby: attention and MLP", "pfeiffer": "Pfeiffer: MLP only"}},
    )
    size_by: Literal["reduction", "width"] = setting(
        default="reduction",
        title="Size given as",
        description="Give the width of the layers as a fraction of the model's hidden size, or as a number.",
        usual="reduction factor",
        up="A fraction suits any model size; a width sets an exact number.",
        source="reduction factor, as AdapterHub's configurations give it",
        extra={"labels": {"reduction": "Reduction factor", "width": "Width"}},
    )
    reduction: Annotated[int, Field(ge=1, le=256)] = setting(
        default=16,
        title="Reduction factor",
        description="The model's hidden size divided by the layer's width.",
        usual="2-64",
        up="Smaller layers: fewer parameters, and less can be learned.",
        source="16, as in AdapterHub's configurations (Houlsby et al. 2019: widths of 8 to 256)",
        extra={"when": {"size_by": ["reduction"]}, "less_memory": 2},
    )
    width: Annotated[int, Field(ge=1, le=4096)] = setting(
        default=64,
        title="Width",
        description="Units in the narrow middle of each layer.",
        usual="8-256",
        up="The adapter can learn more; it needs proportionally more memory.",
        source="64, the middle of Houlsby et al. 2019, section 3",
        extra={"when": {"size_by": ["width"]}, "less_memory": 0.5},
    )
    non_linearity: Literal["relu", "gelu", "silu", "tanh"] = setting(
        default="relu",
        title="Non-linearity",
        description="Activation function of the bottleneck.",
        usual="relu or silu",
        up="relu is the cheapest; the others are smooth.",
        source="relu, as in Pfeiffer et al. 2020 and AdapterHub's Pfeiffer configuration",
        extra={"labels": {"relu": "ReLU", "gelu": "GELU", "silu": "SiLU (swish)", "tanh": "tanh"}},
    )
    dropout: float = dropout_setting("each layer's", "0, as in AdapterHub")

    def peft_arguments(self) -> dict[str, Any] | None:
        return {
            "task_type": "CAUSAL_LM",
            "target_modules": rf".*\.({'|'.join(BEHIND[self.placement])})",
            "reduction": self.reduction if self.size_by == "reduction" else None,
            "width": self.width if self.size_by == "width" else None,
            "non_linearity": self.non_linearity,
            "bottleneck_dropout": self.dropout,
        }

    def trainable_params(self, shape: ModelShape) -> int:
        """Down and up with their biases: 2 x width x hidden + width + hidden for each layer."""
        total = 0
        for name, _, hidden in shape.linear_shapes():
            if name in BEHIND[self.placement]:
                width = self._width(hidden)
                total += 2 * width * hidden + width + hidden
        return total

    def kept_per_token(self, shape: ModelShape, length: int) -> float:
        """The layer's input, and the narrow middle (also before the activation function, unless it is ReLU)."""
        middle = 1 if self.non_linearity == "relu" else 2
        adapted = [hidden for name, _, hidden in shape.linear_shapes() if name in BEHIND[self.placement]]
        return float(sum(hidden + middle * self._width(hidden) for hidden in adapted))

    def _width(self, hidden: int) -> int:
        return self.width if self.size_by == "width" else max(1, hidden // self.reduction)
