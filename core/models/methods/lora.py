"""LoRA: the base stays frozen; two thin matrices beside every linear layer learn the difference."""

from __future__ import annotations

from typing import ClassVar

from core.models.methods.base import MethodColor
from core.models.methods.low_rank import LowRank


class LoRA(LowRank):
    """LoRA on an unquantized base. Its settings are in `core.models.methods.low_rank`."""

    id: ClassVar[str] = "lora"
    title: ClassVar[str] = "LoRA"
    badge: ClassVar[str] = "Most Efficient"
    color: ClassVar[MethodColor] = "blue"
    icon: ClassVar[str] = ":material/bolt:"
    tagline: ClassVar[str] = "Low-Rank Adaptation - Fast & memory efficient"
    claims: ClassVar[tuple[str, ...]] = ("90% less memory usage", "10x faster training", "Best for most use cases")
    recommended: ClassVar[bool] = True
    mergeable: ClassVar[bool] = True
    gguf: ClassVar[bool] = True
    how: ClassVar[str] = (
        "The base stays as it is. Beside each linear layer two thin matrices learn the difference; their product is "
        "added to the layer's output."
    )
    serves: ClassVar[str] = "As an adapter beside the base, or merged into it."

    def heap_factor(self, width: int) -> float:
        """More in bf16: a fit to two bases, 135M and 24M parameters; which buffers leave these gaps is not known."""
        return 1.85 if width < 4 else super().heap_factor(width)
