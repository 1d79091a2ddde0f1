"""The local provider: this studio's own worker trains, on the GPU where there is one, else on the CPU."""

from __future__ import annotations

from dataclasses import dataclass

from core.models.methods import METHODS
from core.training.providers.base import Capabilities


@dataclass(frozen=True, slots=True)
class Local:
    """Training on this machine; costs nothing but time."""

    id: str = "local"
    title: str = "Local"
    text: str = "Trains on this studio's own GPU or CPU. Nothing leaves this machine."
    task_kind: str = "training"
    queue: str = "gpu"  # training on whatever device there is

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            methods=METHODS.ids(),
            pause=True,
            stop_and_keep=True,
            live_metrics=True,
            download=True,
            base_models_here=True,
        )

    def cost(self, tokens: int) -> float:
        return 0.0
