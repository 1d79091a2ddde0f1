"""What the explainer adds to the registry: how each method works, what it costs and who can serve what it yields.

Titles, badges, taglines and claims are the methods' own (`core.methods`); a test holds the two lists together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.methods import get_method


@dataclass(frozen=True, slots=True)
class MethodDescription:
    """One method in words. `trained` is the usual share of the base's parameters that learn."""

    id: str
    how: str
    trained: str
    memory: str
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

    @property
    def claims(self) -> tuple[str, ...]:
        return get_method(self.id).claims

    @property
    def best_for(self) -> str:
        """The method's last claim says what it is good for."""
        return self.claims[-1]


DESCRIPTIONS: Final[tuple[MethodDescription, ...]] = (
    MethodDescription(
        id="lora",
        how="The base stays as it is. Beside each linear layer two thin matrices learn the difference; their product "
        "is added to the layer's output.",
        trained="0.1-2 %",
        memory="The base once, plus little: about 16-22 GB for a 7-8B model in 16 bit.",
        serves="As an adapter beside the base, or merged into it.",
    ),
    MethodDescription(
        id="qlora",
        how="LoRA on a base whose frozen weights are stored in 4 or 8 bits each. Only the adapter is kept in full "
        "width.",
        trained="0.1-2 %",
        memory="The smallest: about 5-11 GB for a 7-8B model.",
        serves="As an adapter beside the unquantized base, or merged into it.",
    ),
    MethodDescription(
        id="prefix_tuning",
        how="No layer changes. A few learnt vectors are put in front of every layer's keys and values, like a prompt "
        "that no words could spell.",
        trained="under 0.1 %",
        memory="Close to running the base, plus the activations of training.",
        serves="By this studio and transformers only: no server of GGUF files can hold it.",
    ),
    MethodDescription(
        id="bottleneck_adapter",
        how="A narrow extra layer (down, bend, up) is inserted into each block of the frozen base.",
        trained="0.5-4 %",
        memory="Much like LoRA.",
        serves="By this studio only; it cannot be merged, because the extra layer bends.",
    ),
    MethodDescription(
        id="full",
        how="Every weight of the base learns. Gradients and optimizer state are kept for each of them.",
        trained="100 %",
        memory="The largest: about 60-66 GB for a 7-8B model in 16 bit.",
        serves="As a whole new model, wherever its architecture is served.",
    ),
)
