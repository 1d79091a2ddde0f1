"""What a crash would cost: whether a run leaves anything to go on from, and how much lies between two checkpoints."""

from __future__ import annotations

from typing import Final, Protocol

from core.text import duration
from core.training.forecast.time import TimeForecast

COSTLY_S: Final = 20 * 60.0  # more work than this between two checkpoints is worth a word
LATE: Final = 0.5  # a first checkpoint after more than this share of the run


class Run(Protocol):
    """The numbers of a run that this depends on."""

    @property
    def total_steps(self) -> int: ...
    @property
    def save_every_steps(self) -> int: ...


def resume_warning(run: Run, time: TimeForecast) -> str:
    """What a person should know before launch about what a crash would cost; "" where it costs little.

    A run of one step has nothing in between; nothing is said about it.
    """
    total, every = run.total_steps, run.save_every_steps
    if total < 2:
        return ""
    if every >= total:
        cost = _cost(time, 1.0)
        return (
            f"These settings leave nothing to resume: with a checkpoint every {every:,} steps none is written before "
            f"the end ({total:,} steps), so a crash would cost {f'up to {cost}' if cost else 'the whole run'}. "
            f"{_better(total)}"
        )
    cost = _cost(time, every / total)
    if every > LATE * total:
        return (
            f"The first checkpoint comes after {every:,} of {total:,} steps: a crash before it would leave nothing to "
            f"resume{f' and cost up to {cost}' if cost else ''}. {_better(total)}"
        )
    if time.high_s is not None and time.high_s * every / total > COSTLY_S:
        return f"Up to {cost} of work lie between two checkpoints: a crash would cost as much. {_better(total)}"
    return ""


def _cost(time: TimeForecast, share: float) -> str:
    return duration(time.high_s * share) if time.high_s is not None else ""


def _better(total: int) -> str:
    return f"Save every {max(1, total // 20):,} steps or fewer to lose less."
