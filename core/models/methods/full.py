"""Full fine-tuning: every weight of the base is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from core.models.methods.base import Method, MethodColor, ModelShape, kept_inputs
from core.models.methods.presets import Preset, SizeClass, tiny


class FullFineTuning(Method):
    """Full fine-tuning has only the general settings, the learning rate above all."""

    id: ClassVar[str] = "full"
    title: ClassVar[str] = "Full Fine-Tuning"
    badge: ClassVar[str] = "Resource Intensive"
    color: ClassVar[MethodColor] = "orange"
    icon: ClassVar[str] = ":material/memory:"
    tagline: ClassVar[str] = "Updates all model parameters"
    claims: ClassVar[tuple[str, ...]] = (
        "Highest quality potential",
        "Requires significant compute",
        "Best for major domain adaptation",
    )
    mergeable: ClassVar[bool] = False  # the result is a complete model already: there is nothing to merge
    gguf: ClassVar[bool] = True
    how: ClassVar[str] = "Every weight of the base learns. Each of them needs a gradient and optimizer state in memory."
    serves: ClassVar[str] = "As a complete new model, anywhere that supports its architecture."
    presets: ClassVar[Mapping[SizeClass, Preset]] = {
        "tiny": tiny(1e-3, seen=9_000, max_epochs=60, batch=8),
        "general": Preset(training={"learning_rate": 2e-5}),
    }

    def trainable_params(self, shape: ModelShape) -> int:
        return shape.params

    def kept_per_token(self, shape: ModelShape, length: int) -> float:
        """The input of every linear layer, and the input of each of a block's two norms."""
        return kept_inputs(shape) + 2 * shape.num_layers * shape.hidden_size

    def kept_once(self, shape: ModelShape) -> float:
        """The output layer's gradient is summed over the chunks of the loss: one more copy of it."""
        return shape.vocab_size * shape.hidden_size
