"""Time and cost before launch: tokens of the run divided by the speed measured on this machine, or *not measured*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from core.models.methods.base import Method
from core.settings import get_settings
from core.text import duration
from core.training.cadence import (
    LONGEST_S,
    LOSSES_LEAST_S,
    PARTS_OF_A_RUN,
    ROUNDS,
    SHARES,
    TOTAL_SHARE,
    UNCAPPED_S,
    times,
)
from core.training.sample_prompts import AnswerSpeed

_SPREAD: Final = {"same": (0.8, 1.25), "similar": (0.6, 1.8)}
FASTER: Final = 0.9  # a smaller difference is within what two runs of the same job differ
NOT_MEASURED: Final = "Not measured yet. A few real steps on this machine measure the time."


@dataclass(frozen=True, slots=True)
class Speed:
    """What a calibration or an earlier run measured.

    Attributes:
        tokens_per_s: non-pad tokens per second inside steps.
        load_s: until the first step starts (reading the data, loading the base).
        first_step_s: how much longer the first step took than the others.
        checkpoint_s: writing one checkpoint.
        other_s: everything of an earlier run but its steps and the work between them; None if not measured.
        between_share: the time of that work (validation, checkpoints, sample answers, losses by example), as a share of
            the time in steps.
        answers: of the sample answers; None if not measured.
        likeness: "same" for identical settings, "similar" for the same base model and method with other settings.
        peak_memory_bytes: of an earlier run; 0 if not measured.
    """

    tokens_per_s: float
    load_s: float = 0.0
    first_step_s: float = 0.0
    checkpoint_s: float = 0.0
    other_s: float | None = None
    between_share: float = 0.0
    answers: AnswerSpeed | None = None
    likeness: Literal["same", "similar"] = "same"
    peak_memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What a run has to do.

    Attributes:
        train_tokens: non-pad tokens of all epochs.
        validation_tokens: of one complete validation.
        validations: how many there are; 0: as many as their share of the time allows.
        validation_rounds: the parts into which that share is divided (see `core.training.cadence`).
        checkpoints: how many are written; 0: as their share of the time allows.
        pass_share: cost of a token in a forward pass, as a share of its cost in training: 1/3 if the base is trained
            (forward 2N operations, backward 4N), 1/2 if it is frozen (backward 2N). Source: Kaplan et al. 2020.
        answer_s: the first answer of the finished model, which is loaded again for it.
        measured_tokens: non-pad tokens of all examples, whose losses are measured once at the end.
        sample_rounds: how often sample answers are computed, the first and the last time included, if there is time;
            each takes `sample_s`.
    """

    train_tokens: int
    validation_tokens: int = 0
    validations: int = 0
    validation_rounds: int = ROUNDS
    checkpoints: int = 0
    pass_share: float = 1 / 3
    answer_s: float = 0.0
    measured_tokens: int = 0
    sample_rounds: int = 0
    sample_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TimeForecast:
    """Seconds from the start of the run to the finished model, by part; None if nothing was measured."""

    low_s: float | None
    high_s: float | None
    text: str
    parts: tuple[tuple[str, float], ...] = ()

    @property
    def expected_s(self) -> float | None:
        return sum(seconds for _, seconds in self.parts) if self.parts else None

    def is_faster_than(self, other: TimeForecast) -> bool:
        """Whether this run is expected to be clearly faster, by what was measured for both."""
        if self.expected_s is None or other.expected_s is None:
            return False
        return self.expected_s <= FASTER * other.expected_s


def forecast_time(work: Work, speed: Speed | None) -> TimeForecast:
    """The time of a run at a measured speed."""
    if speed is None or speed.tokens_per_s <= 0:
        return TimeForecast(None, None, NOT_MEASURED)
    steps = work.train_tokens / speed.tokens_per_s
    parts: tuple[tuple[str, float], ...]
    if speed.other_s is not None:
        between = ("validation, checkpoints, samples and losses", speed.between_share * steps)
        parts = (("steps", steps), between, ("loading and saving", speed.other_s))
    else:
        parts = (
            ("loading", speed.load_s + speed.first_step_s),
            ("steps", steps),
            *between_steps(work, speed, steps),
            ("first answer", speed.load_s + work.answer_s),
        )
    low, high = (factor * sum(seconds for _, seconds in parts) for factor in _SPREAD[speed.likeness])
    return TimeForecast(low, high, f"{duration(low)} to {duration(high)}", parts)


def pass_share(method: Method | None) -> float:
    """Cost of a token in a forward pass, as a share of its cost in training (see `Work.pass_share`)."""
    return 1 / 3 if method is not None and method.peft_type is None else 1 / 2


def between_steps(work: Work, speed: Speed, steps: float) -> tuple[tuple[str, float], ...]:
    """Seconds of validations, checkpoints, sample answers and losses by example of a run whose steps take `steps`.

    By the rules of `core.training.cadence`, which the worker follows with measured times.
    """
    pass_s = work.pass_share / speed.tokens_per_s
    validation = _validation(work, work.validation_tokens * pass_s, steps)
    writes = work.checkpoints or times(
        "checkpoint", steps, speed.checkpoint_s, max(PARTS_OF_A_RUN, int(steps / LONGEST_S))
    )
    checkpoints = writes * speed.checkpoint_s
    samples = _samples(work, steps)
    left = (
        TOTAL_SHARE * steps
        - samples
        - (0 if work.validations else validation)
        - (0 if work.checkpoints else checkpoints)
    )
    losses = min(work.measured_tokens * pass_s, max(LOSSES_LEAST_S, left))
    return (
        ("validation", validation),
        ("checkpoints", checkpoints),
        ("sample answers", samples),
        ("losses by example", losses),
    )


def _validation(work: Work, complete_s: float, steps: float) -> float:
    """With a chosen cadence all of them use every example; else each takes at most its part of the share."""
    if work.validations:
        return work.validations * complete_s
    once = min(complete_s, max(UNCAPPED_S, SHARES["validation"] * steps / work.validation_rounds))
    return times("validation", steps, once) * once


def _samples(work: Work, steps: float) -> float:
    """Before and after the steps, and between them as often as their share allows."""
    if not work.sample_rounds:
        return 0.0
    between = min(work.sample_rounds - 2, int(SHARES["samples"] * steps / max(work.sample_s, 1e-9)) - 1)
    return (min(work.sample_rounds, 2) + max(0, between)) * work.sample_s


@dataclass(frozen=True, slots=True)
class CostForecast:
    """Money for a range of time, at a price per hour (rent, or electricity)."""

    low: float
    high: float
    per_hour: float
    currency: str

    @property
    def text(self) -> str:
        """`0.21 to 0.33 EUR at 2.40 EUR per hour`."""
        low, high = f"{self.low:.2f}", f"{self.high:.2f}"
        amount = f"about {high}" if low == high else f"{low} to {high}"
        return f"{amount} {self.currency} at {self.per_hour:g} {self.currency} per hour"


def forecast_cost(low_s: float | None, high_s: float | None) -> CostForecast | None:
    """The cost of a run; None where no price is set (`SFT_PRICE_PER_HOUR`) or no time is known."""
    settings = get_settings()
    if not settings.price_per_hour or low_s is None or high_s is None:
        return None
    per_hour = settings.price_per_hour
    return CostForecast(low_s / 3600 * per_hour, high_s / 3600 * per_hour, per_hour, settings.currency)
