"""All five ways to fine-tune, in words, for the explainer. What can be chosen is in the registry, not here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class MethodDescription:
    """One method in words. `trained` is the usual share of the base's parameters that learn."""

    id: str
    title: str
    badge: str
    tagline: str
    how: str
    trained: str
    memory: str
    serves: str
    best_for: str
    claims: tuple[str, ...]


DESCRIPTIONS: Final[tuple[MethodDescription, ...]] = (
    MethodDescription(
        id="lora",
        title="LoRA (Recommended)",
        badge="Most Efficient",
        tagline="Low-Rank Adaptation - Fast & memory efficient",
        how="The base stays as it is. Beside each linear layer two thin matrices learn the difference; their product "
        "is added to the layer's output.",
        trained="0.1-2 %",
        memory="The base once, plus little: about 16-22 GB for a 7-8B model in 16 bit.",
        serves="As an adapter beside the base, or merged into it.",
        best_for="Best for most use cases",
        claims=("90% less memory usage", "10x faster training", "Best for most use cases"),
    ),
    MethodDescription(
        id="qlora",
        title="QLoRA",
        badge="Ultra Efficient",
        tagline="Quantized LoRA - Train on consumer hardware",
        how="LoRA on a base whose frozen weights are stored in 4 bits each. Only the adapter is kept in full width.",
        trained="0.1-2 %",
        memory="The smallest: about 5-11 GB for a 7-8B model.",
        serves="As an adapter beside the base; merging goes through the unquantized base.",
        best_for="Best for limited hardware",
        claims=(
            "Works on a 16GB GPU (vs 80GB full fine-tuning)",
            "4-bit quantization + LoRA",
            "Best for limited hardware",
        ),
    ),
    MethodDescription(
        id="prefix_tuning",
        title="Prefix Tuning",
        badge="Minimal",
        tagline="Trains continuous prompts only",
        how="No layer changes. A few learnt vectors are put in front of every layer's keys and values, like a prompt "
        "that no words could spell.",
        trained="under 0.1 %",
        memory="Close to running the base, plus the activations of training.",
        serves="By transformers only: no server of GGUF files can hold it.",
        best_for="Best for small adjustments",
        claims=("Minimal parameter updates", "Best for small adjustments"),
    ),
    MethodDescription(
        id="bottleneck_adapter",
        title="Adapter Layers",
        badge="Modular",
        tagline="Adds trainable layers between frozen layers",
        how="A narrow extra layer (down, bend, up) is inserted into each block of the frozen base.",
        trained="0.5-4 %",
        memory="Much like LoRA.",
        serves="By transformers only; it cannot be merged, because the extra layer bends.",
        best_for="Good for multi-task scenarios",
        claims=("Modular & composable", "Multiple task-specific adapters", "Good for multi-task scenarios"),
    ),
    MethodDescription(
        id="full",
        title="Full Fine-Tuning",
        badge="Resource Intensive",
        tagline="Updates all model parameters",
        how="Every weight of the base learns. Gradients and optimizer state are kept for each of them.",
        trained="100 %",
        memory="The largest: about 60-66 GB for a 7-8B model in 16 bit.",
        serves="As a whole new model, wherever its architecture is served.",
        best_for="Best for major domain adaptation",
        claims=("Highest quality potential", "Requires significant compute", "Best for major domain adaptation"),
    ),
)
