"""Time before launch: tokens of the run over the speed that was measured on this machine, or plainly *not measured*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

_SPREAD: Final = {"same": (0.85, 1.3), "similar": (0.6, 1.8)}
NOT_MEASURED: Final = "Not measured yet. A few real steps on this machine give the time."


@dataclass(frozen=True, slots=True)
class Speed:
    """What a calibration or an earlier run measured.

    `likeness` is "same" for the very same settings, "similar" for the same base model and method with others.
    """

    tokens_per_s: float  # non-pad
    overhead_s: float  # loading, the first step, saving
    likeness: Literal["same", "similar"] = "same"
    peak_memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class TimeForecast:
    """Seconds from the start of the run to the finished model; None where nothing was measured."""

    low_s: float | None
    high_s: float | None
    text: str


def forecast_time(total_tokens: int, speed: Speed | None) -> TimeForecast:
    """Time for `total_tokens` non-pad tokens (all epochs together)."""
    if speed is None or speed.tokens_per_s <= 0:
        return TimeForecast(None, None, NOT_MEASURED)
    low, high = _SPREAD[speed.likeness]
    work = total_tokens / speed.tokens_per_s
    low_s, high_s = work * low + speed.overhead_s * low, work * high + speed.overhead_s * high
    return TimeForecast(low_s, high_s, f"{duration(low_s)} to {duration(high_s)}")


def duration(seconds: float) -> str:
    """Seconds as people say them: `40 s`, `3 min`, `2 h 10 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
