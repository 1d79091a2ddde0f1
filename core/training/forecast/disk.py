"""Disk space before launch: the stored checkpoints, and the model at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.models.base_models.records import Dims
from core.models.methods.base import Method
from core.platform.disk import free_bytes
from core.text import size
from core.training.forecast.memory import ADAPTER_BYTES, Verdict

SPARE_BYTES: Final = 1 << 30  # free space to leave for other programs on the disk

KEPT_CHECKPOINTS: Final = 2  # the newest and, while it is being replaced, the one before


@dataclass(frozen=True, slots=True)
class DiskForecast:
    """Bytes of the saved model and of one checkpoint (with optimizer state); `peak_bytes` is the most at any moment."""

    model_bytes: int
    checkpoint_bytes: int
    free_bytes: int
    kept_checkpoints: int = KEPT_CHECKPOINTS

    @property
    def peak_bytes(self) -> int:
        """The stored checkpoints and the one being written, and the model twice: in the run's folder, and
        registered."""
        return 2 * self.model_bytes + (self.kept_checkpoints + 1) * self.checkpoint_bytes

    @property
    def verdict(self) -> Verdict:
        if self.peak_bytes + SPARE_BYTES <= self.free_bytes:
            return "fits"
        return "tight" if self.peak_bytes <= self.free_bytes else "too_large"

    @property
    def text(self) -> str:
        """The verdict as a sentence, with what would help."""
        needed, free = size(self.peak_bytes), size(self.free_bytes)
        if self.verdict == "fits":
            return f"Fits: the data directory's disk has {free} free."
        helps = "Free some space, set SFT_DATA_DIR to a larger disk, or train fewer weights (use LoRA or a lower rank)."
        if self.verdict == "tight":
            return f"The run writes up to {needed} and leaves less than {size(SPARE_BYTES)} free on the disk. {helps}"
        return f"The run writes up to {needed}, but the data directory's disk has only {free} left. {helps}"


def forecast_disk(dims: Dims, method: Method, width: int, *, kept: int = KEPT_CHECKPOINTS) -> DiskForecast:
    """What a run writes.

    Args:
        width: bytes per weight of the base.
        kept: how many checkpoints are stored at once.
    """
    saved_width = ADAPTER_BYTES if method.peft_type is not None else width
    checkpoint = 3 * method.trainable_params(dims) * saved_width  # the weights and Adam's two moments
    return DiskForecast(method.saved_params(dims) * saved_width, checkpoint, free_bytes(), kept)
