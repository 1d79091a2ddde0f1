"""What a crash would cost: whether a run has a checkpoint to resume from, and how much work is between two of them."""

from __future__ import annotations

from typing import Final

from core.text import duration
from core.training.forecast.time import TimeForecast

COSTLY_S: Final = 20 * 60.0  # more work than this between two checkpoints is worth a warning
LATE: Final = 0.5  # a first checkpoint after more than this share of the run


def resume_warning(total: int, every: int, time: TimeForecast) -> str:
    """A warning before launch about what a crash would cost; "" if it costs little, and for a run of one step.

    For a cadence that the user chose: the automatic one follows the time that a checkpoint takes.

    Args:
        total: steps of the run.
        every: steps between two checkpoints.
    """
    if total < 2:
        return ""
    if every >= total:
        cost = _cost(time, 1.0)
        return (
            f"With these settings nothing can be resumed: with a checkpoint every {every:,} steps none is written "
            f"before the end ({total:,} steps), so a crash would cost {f'up to {cost}' if cost else 'the entire run'}. "
            f"{_better(total)}"
        )
    cost = _cost(time, every / total)
    if every > LATE * total:
        return (
            f"The first checkpoint is written after {every:,} of {total:,} steps: before it, a crash could not be "
            f"resumed{f' and would cost up to {cost}' if cost else ''}. {_better(total)}"
        )
    if time.high_s is not None and time.high_s * every / total > COSTLY_S:
        return f"Up to {cost} of work is between two checkpoints: a crash would lose as much. {_better(total)}"
    return ""


def _cost(time: TimeForecast, share: float) -> str:
    return duration(time.high_s * share) if time.high_s is not None else ""


def _better(total: int) -> str:
    return f"Save every {max(1, total // 20):,} steps or fewer to lose less."
