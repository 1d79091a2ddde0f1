"""Disk before launch: the checkpoints that are kept, and the model at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.base_models.records import Dims
from core.forecast.memory import ADAM_BYTES
from core.methods.base import Method

KEPT_CHECKPOINTS: Final = 2  # the newest and, while it is being replaced, the one before


@dataclass(frozen=True, slots=True)
class DiskForecast:
    """Bytes of the saved model, of one checkpoint (with optimizer state), and at most at any moment."""

    model_bytes: int
    checkpoint_bytes: int
    kept_checkpoints: int = KEPT_CHECKPOINTS

    @property
    def peak_bytes(self) -> int:
        return self.model_bytes + (self.kept_checkpoints + 1) * self.checkpoint_bytes


def forecast_disk(dims: Dims, method: Method, width: int, *, kept: int = KEPT_CHECKPOINTS) -> DiskForecast:
    """What a run writes; `width` is the bytes of one saved number, `kept` how many checkpoints stay side by side."""
    trained = method.trainable_params(dims)
    return DiskForecast(method.saved_params(dims) * width, trained * (width + ADAM_BYTES), kept)
