"""LoRA: the base stays frozen; two thin matrices beside every linear layer learn the difference."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from core.methods.base import Method, ModelShape, facts

_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj")


class LoRA(Method):
    """Settings of LoRA. Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"."""

    id: ClassVar[str] = "lora"
    title: ClassVar[str] = "LoRA"
    badge: ClassVar[str] = "Most Efficient"
    badge_color: ClassVar[str] = "blue"
    icon: ClassVar[str] = ":material/bolt:"
    tagline: ClassVar[str] = "Low-Rank Adaptation - Fast & memory efficient"
    claims: ClassVar[tuple[str, ...]] = ("90% less memory usage", "10x faster training", "Best for most use cases")
    recommended: ClassVar[bool] = True
    mergeable: ClassVar[bool] = True
    gguf: ClassVar[bool] = True

    rank: int = Field(
        default=16,
        ge=1,
        le=256,
        title="Rank",
        description="Width of the two small matrices beside each layer. Lower = faster, Higher = better quality.",
        json_schema_extra=facts(
            unit="",
            usual="8-64",
            up="More can be learnt; the adapter, its gradients and its optimizer state grow in proportion.",
            source="16, as Unsloth and AutoTrain ship it (LLaMA-Factory 8, Axolotl 32, H2O LLM Studio 4)",
        ),
    )
    alpha: int = Field(
        default=32,
        ge=1,
        le=512,
        title="Alpha",
        description="Strength of the adapter: its output is multiplied by alpha / rank. Typically 2x rank.",
        json_schema_extra=facts(
            unit="",
            usual="1-2 times the rank",
            up="The adapter speaks louder against the base, like a higher learning rate for it.",
            source="32 = 2 x rank, as AutoTrain ships it (Unsloth, LLaMA-Factory, H2O and Axolotl 16)",
        ),
    )
    dropout: float = Field(
        default=0.0,
        ge=0.0,
        le=0.5,
        title="Dropout",
        description="Share of the adapter's inputs that are switched off at random in each step. "
        "Prevents overfitting (0.0-0.3 recommended).",
        json_schema_extra=facts(
            unit="share",
            usual="0.0-0.3",
            up="Less learning by heart, slower learning. Facts that must come out word for word want 0.",
            source="0, as Unsloth and LLaMA-Factory ship it (H2O, AutoTrain and Axolotl 0.05)",
        ),
    )
    target_modules: Literal["all-linear", "attention"] = Field(
        default="all-linear",
        title="Adapted layers",
        description="Which layers get an adapter: every linear layer of each block, or those of the attention alone.",
        json_schema_extra=facts(
            unit="",
            usual="all-linear",
            up="All linear layers learn facts better; attention alone takes about a third of the memory.",
            source="all linear layers, as Unsloth, LLaMA-Factory, AutoTrain and Axolotl ship it",
        ),
    )

    def peft_type(self) -> str | None:
        return "LORA"

    def peft_arguments(self) -> dict[str, Any] | None:
        targets = self.target_modules
        return {
            "task_type": "CAUSAL_LM",
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "bias": "none",
            # PEFT reads a string as a regular expression over the whole module name (and knows "all-linear").
            "target_modules": targets if targets == "all-linear" else rf".*\.({'|'.join(_ATTENTION)})",
        }

    def trainable_params(self, shape: ModelShape) -> int:
        """r x (in + out) for each adapted layer. Source: Hu et al. 2021, section 4.1."""
        adapted = [
            (inputs, outputs)
            for name, inputs, outputs in shape.linear_shapes()
            if self.target_modules == "all-linear" or name in _ATTENTION
        ]
        return sum(self.rank * (inputs + outputs) for inputs, outputs in adapted)
