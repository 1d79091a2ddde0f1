"""Settings known to work, by the size of the base model: part of a method's own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

SizeClass = Literal["tiny", "general", "large"]

TINY_BELOW: Final = 10_000_000  # parameters; the starter has 2.4 million
LARGE_FROM: Final = 30_000_000_000  # parameters; from here on LoRA is trained at half the usual learning rate
SIZE_TEXTS: Final[Mapping[SizeClass, str]] = {
    "tiny": " on models of a few million parameters",
    "general": "",
    "large": " on models of 30 billion parameters and more",
}


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings for one method on one kind of base model; what it leaves out keeps its default.

    Args:
        method: by the names of the method's own settings.
        training: by the names of `core.training.jobs.spec.TrainingConfig`. `examples_seen` sets the epochs: as many as
            show that many examples in total, between `min_epochs` and `max_epochs`.
    """

    method: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def with_overrides(self, other: Preset) -> Preset:
        """This preset, with the settings of another one instead."""
        return Preset({**self.method, **other.method}, {**self.training, **other.training})


def tiny(learning_rate: float, *, seen: int, max_epochs: int, batch: int, **method: Any) -> Preset:
    """The preset of a method for tiny models: one batch a step, and enough epochs to show `seen` examples.

    Args:
        method: settings of the method.
    """
    epochs = {"examples_seen": seen, "min_epochs": 3, "max_epochs": max_epochs}
    batches = {"per_device_batch_size": batch, "gradient_accumulation_steps": 1}
    return Preset(method, {"learning_rate": learning_rate, **epochs, **batches})


def size_class(params: int) -> SizeClass:
    """The class of a base model with so many parameters; 0 (not known) counts as general."""
    if 0 < params < TINY_BELOW:
        return "tiny"
    return "large" if params >= LARGE_FROM else "general"
