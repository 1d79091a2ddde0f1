"""The score of a version: 0 to 100, from the points of eight parts (`PARTS`, and the amount of examples).

A part whose check could not run, because there is nothing to check, counts neither for nor against: the score is the
share of the points that could be had. A part loses its points in proportion to the examples affected, each weighted by
the most serious of its issues in that part; the first one costs at least half a point, so that every issue shows.
A serious issue (severity error) keeps the score below 90 ("Very good") until it is fixed, however few it affects.
A part without any points left keeps the score below 75 ("Good"): strong parts do not make up for it.
Where a fifth of the source's rows was left out, the score is below 90: what is missing cannot be very good.
Below 10 examples, with which nothing can be trained, the score is below 50 whatever the parts say.
The score depends on the counts alone: the same version always gets the same score, and a fix never lowers a part. The
recommended split keeps near duplicates together, so that it never lowers the score either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.data.issues.sets import MINIMUM_EXAMPLES
from core.data.quality.records import ScorePart
from core.text import plural

ENOUGH: Final = 100  # examples, from which on fewer cost no points
MUCH_LEFT_OUT: Final = 0.2  # of the rows: from here on the score is below 90
_LEAST: Final = 0.5  # points that the first affected example costs


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the score; the issues say how much they cost in it (`Issue.share`).

    Attributes:
        of: points.
        gone_at: the weighted share of affected examples at which no point is left.
        good: the reason where nothing costs a point. affected: what the affected examples are.
        of_validation: shares are of the validation examples.
    """

    id: str
    title: str
    of: int
    gone_at: float
    good: str
    affected: str
    of_validation: bool = False


PARTS: Final = (
    Part("uniqueness", "Uniqueness", 15, 0.5, "No copies.", "copies or near copies of others"),
    Part("consistency", "Consistency", 20, 0.2, "Equal inputs have equal answers.", "inconsistent with others"),
    Part(
        "separation", "Fair validation", 10, 0.25, "No validation example was found in training.",
        "of the validation part also in training", of_validation=True,
    ),
    Part("answers", "Answers", 15, 0.2, "No empty or refusing answers.", "empty, refusing or never filled in"),
    Part("length", "Length", 10, 0.2, "Every example fits.", "too long or of unusual length"),
    Part(
        "text", "Clean text", 10, 0.2, "No special tokens, no damaged letters, one language.",
        "with special tokens, damaged letters or in a different language",
    ),
    Part(
        "privacy", "Privacy", 10, 0.1, "No keys, passwords or personal data were found.",
        "with secrets or personal data",
    ),
)  # fmt: skip
AMOUNT: Final = "amount"  # the last part, which follows from the number of examples


@dataclass(frozen=True, slots=True)
class RowsLeftOut:
    """How many rows of the source became no example, of how many; 0 of 0 where there was no source."""

    rows: int = 0
    read: int = 0

    @property
    def much(self) -> bool:
        return self.rows > 0 and self.rows >= MUCH_LEFT_OUT * self.read


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts that the score follows from.

    Attributes:
        weighted: per part, the examples affected and the sum of their weights (each by the most serious of its
            issues).
        rows: of the source.
    """

    examples: int
    train: int
    weighted: Mapping[str, tuple[int, float]]
    rows: RowsLeftOut = RowsLeftOut()

    @property
    def validation(self) -> int:
        """Examples of the validation part."""
        return self.examples - self.train


def parts(tally: Tally) -> tuple[ScorePart, ...]:
    """Every part with its points and the reason."""
    return (*(_part(part, tally) for part in PARTS), _amount(tally))


def total(scored: tuple[ScorePart, ...], tally: Tally, *, serious: bool = False) -> int:
    """The score: the share of the points that could be had, rounded; 100 only where nothing costs a point.

    Args:
        serious: whether an issue of severity error was found.
    """
    lost = any(part.points < part.of for part in scored)
    score = min(round(_together(scored)), 99) if lost else 100
    return min([score, *(most for applies, most, _ in _caps(scored, tally, serious) if applies)])


def limits(scored: tuple[ScorePart, ...], tally: Tally, *, serious: bool = False) -> tuple[str, ...]:
    """Why the score is lower than what its parts add up to, where it is."""
    together = _together(scored)
    reasons = [
        (most, why) for applies, most, why in _caps(scored, tally, serious) if applies and most < round(together)
    ]
    return tuple(f"The parts add up to {together:.0f}, but {why}." for most, why in sorted(reasons)[:1])


def _together(scored: tuple[ScorePart, ...]) -> float:
    """The points of the parts in percent of those that could be had."""
    return 100 * sum(part.points for part in scored) / max(sum(part.of for part in scored), 1)


def _caps(scored: tuple[ScorePart, ...], tally: Tally, serious: bool) -> tuple[tuple[bool, int, str], ...]:
    """(whether it applies, the highest score, why)."""
    rows = tally.rows
    return (
        (tally.train < MINIMUM_EXAMPLES, 49, "with so few examples the score is below 50"),
        (any(part.of and not part.points for part in scored), 74, "a part without any points keeps the score below 75"),
        (serious, 89, "serious issues keep the score below 90"),
        (rows.much, 89, f"{rows.rows:,} of {plural(rows.read, 'row')} left out keep the score below 90"),
    )


def grade(score: int) -> str:
    """The score in words."""
    if score >= 90:
        return "Very good"
    if score >= 75:
        return "Good"
    return "Needs work" if score >= 50 else "Poor"


def _part(part: Part, tally: Tally) -> ScorePart:
    count, weight = tally.weighted.get(part.id, (0, 0.0))
    examples = tally.validation if part.of_validation else tally.examples
    if part.of_validation and not examples:
        return ScorePart(part.id, part.title, 0, 0, "Not checked: no examples are held out. It does not count.")
    if not count:
        return ScorePart(part.id, part.title, part.of, part.of, part.good)
    lost = max(part.of * (weight / max(examples, 1)) / part.gone_at, _LEAST * min(weight, 1.0))
    points = max(round(part.of - lost, 1), 0.0)
    text = f"{count:,} of {examples:,} ({count / max(examples, 1):.1%}) {part.affected}."
    return ScorePart(part.id, part.title, points, part.of, text)


def _amount(tally: Tally) -> ScorePart:
    """Seven points for the number of examples, by its logarithm, and three for labels that occur often enough."""
    rare_labels, _ = tally.weighted.get(AMOUNT, (0, 0.0))
    enough = min(math.log(max(tally.examples, 1) / 10) / math.log(ENOUGH / 10), 1.0)
    points = 7.0 * max(enough, 0.0)
    rare = min(2 * rare_labels / max(tally.examples, 1), 1.0)
    points += 3.0 * (1 - rare) - (_LEAST if 0 < rare < _LEAST / 3 else 0.0)
    text = plural(tally.examples, "labeled example")
    text += "." if tally.examples >= ENOUGH else f"; {ENOUGH} or more give a better model."
    if tally.train < MINIMUM_EXAMPLES:
        text += f" Below {MINIMUM_EXAMPLES} for training nothing can be trained, and the score is below 50."
    if rare_labels:
        text += f" {rare_labels:,} {'has' if rare_labels == 1 else 'have'} a rare label."
    return ScorePart(AMOUNT, "Amount and balance", max(round(points, 1), 0.0), 10, text)
