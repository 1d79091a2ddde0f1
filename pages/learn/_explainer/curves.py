"""Illustrative loss curves, generated from a formula and labeled as such; and a reader that judges any curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

Points = list[tuple[int, float]]  # (step, loss)
Curve = Callable[[int], float]  # step -> loss

STEPS: Final = 120


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of curve. `formula` is what `train` and `validation` compute, for the caption."""

    id: str
    title: str
    formula: str
    train: Curve
    validation: Curve


@dataclass(frozen=True, slots=True)
class CurveReading:
    """What a curve shows: a stable id, a headline, the signs with their numbers, and what to do."""

    verdict: str  # good | overfit | memorized | too_high | too_low | unfinished | too_short
    title: str
    signs: tuple[str, ...]
    remedy: str


def _memorizing(t: int) -> float:
    return 0.05 + 2.95 * math.exp(-t / 16)


def _healthy(t: int) -> float:
    return 0.4 + 2.6 * math.exp(-t / 18)


def _rising(t: int) -> float:
    return 1.2 + 1.8 * math.exp(-t / 5) + 0.012 * t * (1 + math.sin(1.7 * t))


def _flat(t: int) -> float:
    return 2.7 + 0.3 * math.exp(-t / 90)


def _slow(t: int) -> float:
    return 0.3 + 2.7 * math.exp(-t / 90)


def _above(train: Curve, gap: float) -> Curve:
    return lambda t: train(t) + gap


SHAPES: Final = {
    shape.id: shape
    for shape in (
        Shape(
            "good", "Healthy", "train 0.4 + 2.6·e^(−t/18), validation 0.15 above it", _healthy, _above(_healthy, 0.15)
        ),
        Shape(
            "overfit",
            "Overfitting",
            "train 0.05 + 2.95·e^(−t/16), validation 0.7 + 2.3·e^(−t/12) + 0.012·(t − 35)⁺",
            _memorizing,
            lambda t: 0.7 + 2.3 * math.exp(-t / 12) + 0.012 * max(0, t - 35),
        ),
        Shape(
            "memorized",
            "Memorized",
            "train 0.05 + 2.95·e^(−t/16), validation 1.6 + 1.3·e^(−t/12)",
            _memorizing,
            lambda t: 1.6 + 1.3 * math.exp(-t / 12),
        ),
        Shape(
            "too_high",
            "Learning rate too high",
            "train 1.2 + 1.8·e^(−t/5) + 0.012·t·(1 + sin(1.7·t)), validation 0.2 above it",
            _rising,
            _above(_rising, 0.2),
        ),
        Shape(
            "too_low",
            "Learning rate too low",
            "train 2.7 + 0.3·e^(−t/90), validation 0.05 above it",
            _flat,
            _above(_flat, 0.05),
        ),
        Shape(
            "unfinished",
            "Stopped too early",
            "train 0.3 + 2.7·e^(−t/90), validation 0.1 above it",
            _slow,
            _above(_slow, 0.1),
        ),
    )
}


def draw(shape_id: str) -> tuple[Points, Points]:
    """The (train, validation) points of a shape; validation every tenth step."""
    shape = SHAPES[shape_id]
    train = [(t, shape.train(t)) for t in range(1, STEPS + 1)]
    return train, [(t, shape.validation(t)) for t in range(10, STEPS + 1, 10)]


def read_curve(train: Sequence[tuple[int, float]], validation: Sequence[tuple[int, float]] = ()) -> CurveReading:
    """Judge a curve by its numbers; the first rule that matches decides.

    Args:
        train: (step, loss), in order of the steps.
        validation: the same for the validation loss; may be empty.
    """
    if len(train) < 8:
        return CurveReading("too_short", "Too short to read", (f"{len(train)} points",), "Wait for a few more steps.")
    losses = [loss for _, loss in train]
    head, tail = _mean(losses[: _part(losses)]), _mean(losses[-_part(losses) :])
    lowest = min(_smooth(losses))
    signs = [f"training loss {losses[0]:.2f} → {losses[-1]:.2f}"]

    if any(not math.isfinite(loss) for loss in losses) or tail > 1.15 * lowest + 0.1:
        signs.append(f"it rose again from {lowest:.2f}" if math.isfinite(lowest) else "it became NaN")
        return CurveReading(
            "too_high",
            "Learning rate too high",
            tuple(signs),
            "Divide the learning rate by 3 to 10, or lengthen the warm-up. It is best to discard the model of this "
            "run.",
        )
    if validation:
        best_step, best = min(validation, key=lambda point: point[1])
        last = validation[-1][1]
        signs.append(f"validation loss lowest at step {best_step} ({best:.2f}), {last:.2f} at the end")
        if last > 1.1 * best and best_step < 0.8 * train[-1][0]:
            return CurveReading(
                "overfit",
                "Overfitting",
                tuple(signs),
                f"Memorization began near step {best_step}. Train fewer epochs, add examples, or raise dropout. "
                "Where word-for-word answers are the goal, this can be what you want.",
            )
        if last > 2 * tail + 0.5:
            return CurveReading(
                "memorized",
                "Memorized",
                tuple(signs),
                "The training examples come out word for word; other wordings of them do not. For fixed answers this "
                "is the goal. Otherwise add the same questions in other words.",
            )
    if tail > 0.85 * head:
        return CurveReading(
            "too_low",
            "Learning rate too low",
            tuple(signs),
            "Hardly anything was learned. Raise the learning rate 3 to 10 times, and check that the loss is computed "
            "on the outputs.",
        )
    before = _mean(losses[-2 * _part(losses) : -_part(losses)])
    if tail < 0.93 * before and tail > 0.15 * head:
        signs.append(f"still falling: {before:.2f} → {tail:.2f} in the last stretch")
        return CurveReading(
            "unfinished", "Stopped too early", tuple(signs), "Train for more epochs; the loss was still falling."
        )
    return CurveReading("good", "Healthy", tuple(signs), "It fell quickly, then settled. Compare base and tuned next.")


def _part(losses: Sequence[float]) -> int:
    """A tenth of the run, at least three points."""
    return max(3, len(losses) // 10)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _smooth(losses: Sequence[float]) -> list[float]:
    """Means over a tenth of the run, so that one lucky batch does not count as the lowest loss."""
    part = _part(losses)
    return [_mean(losses[at : at + part]) for at in range(len(losses) - part + 1)]
