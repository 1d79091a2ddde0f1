"""What the explainer adds to the registry: how each method works, and who can serve what it yields.

Titles, badges, taglines and claims are the methods' own (`core.models.methods`); a test holds the two lists together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.models.methods import get_method


@dataclass(frozen=True, slots=True)
class MethodDescription:
    """One method in words; what it trains and takes is forecast, not described."""

    id: str
    how: str
    serves: str

    @property
    def title(self) -> str:
        method = get_method(self.id)
        return f"{method.title} (Recommended)" if method.recommended else method.title

    @property
    def badge(self) -> str:
        return get_method(self.id).badge

    @property
    def tagline(self) -> str:
        return get_method(self.id).tagline


DESCRIPTIONS: Final[tuple[MethodDescription, ...]] = (
    MethodDescription(
        id="lora",
        how="The base stays as it is. Beside each linear layer two thin matrices learn the difference; their product "
        "is added to the layer's output.",
        serves="As an adapter beside the base, or merged into it.",
    ),
    MethodDescription(
        id="qlora",
        how="LoRA on a base whose frozen weights are stored in 4 or 8 bits each. Only the adapter is kept in full "
        "width.",
        serves="As an adapter beside the unquantized base, or merged into it.",
    ),
    MethodDescription(
        id="prefix_tuning",
        how="No layer changes. A few learnt vectors are put in front of every layer's keys and values, like a prompt "
        "that no words could spell.",
        serves="By this studio and transformers only: no server of GGUF files can hold it.",
    ),
    MethodDescription(
        id="bottleneck_adapter",
        how="A narrow extra layer (down, bend, up) is inserted into each block of the frozen base.",
        serves="By this studio only; it cannot be merged, because the extra layer bends.",
    ),
    MethodDescription(
        id="full",
        how="Every weight of the base learns. Gradients and optimizer state are kept for each of them.",
        serves="As a whole new model, wherever its architecture is served.",
    ),
)
