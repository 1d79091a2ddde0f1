"""QLoRA: LoRA beside a base whose frozen linear layers are stored in 4 or 8 bits."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

from pydantic import model_validator

from core.models.methods.base import MethodColor, ModelShape, setting
from core.models.methods.low_rank import LowRank

# Bytes of one weight, its scales included. NF4: half a byte, one 8-bit scale per 64 weights, and (double quantization)
# one 32-bit scale of scales per 256 of those. 8-bit: one byte, and one 32-bit scale per row.
# Source: Dettmers et al. 2023, "QLoRA", section 3 (0.127 bits a weight for the scales).
BYTES_OF_BITS: Final = {4: 0.5 + 0.127 / 8, 8: 1.0}


class QLoRA(LowRank):
    """Settings of QLoRA: those of LoRA, and how the base is stored. Source: Dettmers et al. 2023, "QLoRA"."""

    id: ClassVar[str] = "qlora"
    title: ClassVar[str] = "QLoRA"
    badge: ClassVar[str] = "Ultra Efficient"
    color: ClassVar[MethodColor] = "green"
    icon: ClassVar[str] = ":material/compress:"
    tagline: ClassVar[str] = "Quantized LoRA - Train on consumer hardware"
    claims: ClassVar[tuple[str, ...]] = (
        "Works on a 16GB GPU (vs 80GB full fine-tuning)",
        "4-bit quantization + LoRA",
        "Best for limited hardware",
    )
    mergeable: ClassVar[bool] = True
    gguf: ClassVar[bool] = True
    how: ClassVar[str] = (
        "LoRA on a base whose frozen weights are stored in 4 or 8 bits each. Only the adapter keeps its full precision."
    )
    serves: ClassVar[str] = "As an adapter beside the unquantized base, or merged into it."

    bits: Literal[4, 8] = setting(
        default=4,
        title="Bits of the base",
        description="How many bits hold each frozen weight of the base's linear layers.",
        usual="4",
        up="8 bits are closer to the base and take nearly twice the memory for its weights.",
        source="4 (NF4), as in Dettmers et al. 2023 and as in Unsloth and LLaMA-Factory",
        extra={"labels": {"4": "4 (NF4)", "8": "8 (LLM.int8)"}},
    )
    compute_dtype: Literal["auto", "float32", "bfloat16", "float16"] = setting(
        default="auto",
        title="Compute dtype",
        description="The precision in which 4-bit weights are multiplied after they are unpacked.",
        usual="auto",
        up="float32 is the most exact; bfloat16 is the fastest on a GPU, and 6-14 times slower than float32 on a CPU.",
        source="auto: bfloat16 on a GPU, float32 on a CPU",
        extra={"when": {"bits": [4]}, "labels": {"auto": "Auto (recommended)"}},
    )
    double_quantization: bool = setting(
        default=True,
        title="Double quantization",
        description="Store the scales of the 4-bit blocks in 8 bits too: 0.4 bits less per weight.",
        usual="on",
        up="Less memory with no measurable loss of quality.",
        source="on, as in Dettmers et al. 2023, section 3",
        extra={"when": {"bits": [4]}},
    )

    @model_validator(mode="after")
    def _dora_in_four_bits(self) -> QLoRA:
        if self.dora and self.bits == 8:  # PEFT cannot measure 8-bit columns before the first step
            raise ValueError("DoRA works on a 4-bit base, not on an 8-bit one")
        return self

    def load_arguments(self) -> dict[str, Any]:
        """The quantization as plain data; the worker builds the library's object from it and resolves the *auto*
        dtype."""
        plain: dict[str, Any] = {"bits": self.bits}
        if self.bits == 4:
            plain |= {"double_quantization": self.double_quantization, "compute_dtype": self.compute_dtype}
        return {"quantization": plain}

    def base_bytes(self, shape: ModelShape, width: float) -> float:
        """The linear weights of the blocks are quantized; embeddings, head and norms are not."""
        packed = BYTES_OF_BITS[self.bits]
        if self.bits == 4 and not self.double_quantization:
            packed = 0.5 + 4 / 64
        linear = sum(inputs * outputs for _, inputs, outputs in shape.linear_shapes())
        return linear * packed + (shape.params - linear) * width

    def heap_factor(self, width: int) -> float:
        """A layer's unpacked weights are allocated and freed between stored activations. Beside those in fp32 they
        leave few gaps; where PEFT's own layer runs (8 bits, dropout, DoRA) its copies in fp32 count too."""
        own_layer = self.bits == 8 or self.dropout or self.dora
        return 2.3 if own_layer or width < 4 else super().heap_factor(width)
