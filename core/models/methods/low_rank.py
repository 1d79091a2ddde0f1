"""What LoRA and QLoRA share: two thin matrices beside chosen linear layers, with the settings of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from core.errors import SettingsError
from core.models.methods.base import Method, ModelShape, dropout_setting, kept_inputs, setting
from core.models.methods.presets import Preset, SizeClass, tiny

ATTENTION: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj")
# The linear layers of the families in the catalog; the last two are from Phi, which fuses q, k, v and gate, up.
KNOWN_MODULES: Final = (
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "qkv_proj", "gate_up_proj"
)  # fmt: skip


class LowRank(Method):
    """Settings of a low-rank adapter. Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"."""

    peft_type: ClassVar[str | None] = "LORA"
    presets: ClassVar[Mapping[SizeClass, Preset]] = {
        # A model of a few million weights has to see a fact about a hundred times to repeat it word for word. In
        # batches of 8, LoRA reached 54 or 55 of 56 exact answers on the sample; in batches of 4 all of them (final loss
        # 0.27, not 0.42), for 13 % more processor time (`bench/RESULTS.md`).
        "tiny": tiny(2e-3, seen=15_000, max_epochs=100, batch=4),
        # Source: the presets of the field's tools taken together (Unsloth and Axolotl 2e-4; from 30B up 1e-4).
        "general": Preset(training={"learning_rate": 2e-4}),
        "large": Preset(training={"learning_rate": 1e-4}),
    }

    rank: Annotated[int, Field(ge=1, le=256)] = setting(
        default=16,
        title="Rank",
        description="Width of the two small matrices beside each layer. Lower = faster, Higher = better quality.",
        usual="8-64",
        note="8 to 64 · default 16, as in Unsloth and AutoTrain",
        up="The adapter can learn more; its weights, gradients and optimizer state grow in proportion.",
        source="16, as in Unsloth and AutoTrain (LLaMA-Factory 8, Axolotl 32, H2O LLM Studio 4)",
        extra={"less_memory": 0.5, "scales": "alpha", "usual_range": [8, 64]},  # alpha / rank stays the same
    )
    alpha: Annotated[int, Field(ge=1, le=512)] = setting(
        default=32,
        title="Alpha",
        description="Strength of the adapter: its output is multiplied by alpha / rank. Typically 2x rank.",
        usual="1-2 times the rank",
        note="About twice the rank · default 32 = 2 × 16",
        up="Scales the adapter's effect up, like a higher learning rate for it.",
        source="32 = 2 x rank, as AutoTrain ships it (Unsloth, LLaMA-Factory, H2O and Axolotl 16)",
        extra={"usual_times": {"rank": [1, 2]}},
    )
    dropout: float = dropout_setting(
        "the adapter's", "0, as in Unsloth and LLaMA-Factory (H2O, AutoTrain and Axolotl 0.05)"
    )
    target_modules: Literal["all-linear", "attention", "listed"] = setting(
        default="all-linear",
        title="Adapted layers",
        description="Which layers get an adapter: every linear layer of each block, only those of the attention, or "
        "those that you list.",
        usual="all-linear",
        up="All linear layers learn facts better; attention only takes about a third of the memory.",
        source="all linear layers, as in Unsloth, LLaMA-Factory, AutoTrain and Axolotl",
        extra={
            "labels": {"all-linear": "All linear layers", "attention": "Attention only", "listed": "Listed by name"}
        },
    )
    module_names: list[str] = setting(
        default=["q_proj", "v_proj"],
        title="Listed layers",
        description="Linear layers that get an adapter, as named in the base model.",
        usual="q_proj and v_proj, or the three of the MLP",
        up="More layers learn more and take more memory.",
        source="q_proj and v_proj, as in Hu et al. 2021, section 4.2",
        extra={"options": list(KNOWN_MODULES), "open": True, "when": {"target_modules": ["listed"]}},
    )
    rslora: bool = setting(
        default=False,
        title="Rank-stabilized (rsLoRA)",
        description="Multiply the adapter's output by alpha / √rank instead of alpha / rank, so that high ranks "
        "keep their effect.",
        usual="on from rank 64",
        up="The adapter's effect is √rank times larger: lower alpha or the learning rate along with it.",
        source="off, as in PEFT; Kalajdzievski 2023, “A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA”",
    )
    dora: bool = setting(
        default=False,
        title="Weight-decomposed (DoRA)",
        description="Learn the magnitude of each weight column separately from its direction. Often better at low "
        "ranks.",
        usual="off; on below rank 16",
        up="Closer to full fine-tuning; each step takes much longer.",
        source="off, as in PEFT; Liu et al. 2024, “DoRA: Weight-Decomposed Low-Rank Adaptation”",
    )

    @model_validator(mode="after")
    def _some_layer(self) -> LowRank:
        if self.target_modules == "listed" and not any(name.strip() for name in self.module_names):
            raise ValueError("target_modules is “listed”, but no layer is listed")
        return self

    def peft_arguments(self) -> dict[str, Any] | None:
        names = self._names()
        return {
            "task_type": "CAUSAL_LM",
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "bias": "none",
            "use_rslora": self.rslora,
            "use_dora": self.dora,
            # PEFT reads a string as a regular expression over the full module name (and knows "all-linear").
            "target_modules": "all-linear" if names is None else rf".*\.({'|'.join(names)})",
        }

    def trainable_params(self, shape: ModelShape) -> int:
        """r x (in + out) for each adapted layer, and with DoRA its column magnitudes. Source: Hu et al. 2021, 4.1."""
        names = self._names()
        return sum(
            self.rank * (inputs + outputs) + (outputs if self.dora else 0)
            for name, inputs, outputs in shape.linear_shapes()
            if names is None or name in names
        )

    def kept_per_token(self, shape: ModelShape, length: int) -> float:
        """The inputs of the adapted layers and the outputs of the thin matrices.

        With dropout each layer stores a separate input and its mask. With DoRA its output is stored before and after
        scaling. Source: PEFT's LoRA layers.
        """
        names = self._names()
        layers = [row for row in shape.linear_shapes() if names is None or row[0] in names]
        kept = self.rank * len(layers) + (2 * sum(out for _, _, out in layers) if self.dora else 0)
        return kept + (2 * sum(inputs for _, inputs, _ in layers) if self.dropout else kept_inputs(shape, names))

    def heap_factor(self, width: int) -> float:
        """With dropout or DoRA, PEFT's own layer runs: an adapter's output, scaled and added, leaves three more
        gaps."""
        return 1.7 if self.dropout or self.dora else 1.2

    def kept_once(self, shape: ModelShape) -> float:
        """DoRA multiplies its matrices to measure their columns: an identity matrix of the layer's width, and more."""
        if not self.dora:
            return 0.0
        names = self._names()
        adapted = [inputs for name, inputs, _ in shape.linear_shapes() if names is None or name in names]
        return float(sum(inputs * (inputs + self.rank) for inputs in adapted))

    def check(self, shape: ModelShape) -> None:
        if self.target_modules != "listed":
            return
        known = {name for name, _, _ in shape.linear_shapes()}
        if unknown := [name for name in self.module_names if name not in known]:
            raise SettingsError(
                f"{self.title}: the base model has no layer {unknown[0]!r}.",
                f"Choose from its layers: {', '.join(sorted(known))}.",
            )

    def _names(self) -> tuple[str, ...] | None:
        """Names of the adapted layers; None for all."""
        if self.target_modules == "listed":
            return tuple(self.module_names)
        return ATTENTION if self.target_modules == "attention" else None
