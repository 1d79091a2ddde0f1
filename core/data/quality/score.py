"""The score of a version: 0 to 100, the sum of eight parts.

    part          of   what costs points                                   all gone at
    uniqueness    15   exact copies and near duplicates to spare           50 % of the examples
    consistency   20   contradictions; x 0.5: other spellings of a label,  20 %
                       other system messages; x 0.1: several long
                       answers to one input
    separation    10   validation examples that stand in training too,     25 % of the validation examples
                       or nearly
    answers       15   empty, refusing and unfilled answers                20 %
    length        10   answers that would be cut off whole; x 0.5: those   20 %
                       over the maximum length; x 0.1: unusual lengths
    text          10   control tokens and damaged letters; x 0.25: another 20 %
                       language than most
    privacy       10   keys and passwords; x 0.5: personal data            10 %
    amount        10   fewer than 100 examples to train on (7 points, by   10 examples; 50 %
                       the logarithm); rare labels (3 points)

A part loses its points in proportion, and the first example costs at least half a point, so that what was found shows.
A serious issue (severity error) keeps the score below 90 ("Very good") until it is mended, however few it concerns.
A part without any points left keeps the score below 75 ("Good"): strong parts do not make up for it.
Below 10 examples, with which nothing can be trained, the score stays below 50 whatever the parts say.
An example that several issues of a part concern costs most by the gravest one only. The score follows from the
counts alone: the same version always gets the same score, and mending anything never lowers a part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.data.quality.records import ScorePart
from core.data.quality.rules import MINIMUM_EXAMPLES

ENOUGH: Final = 100  # examples to train on, from which more cost no points
_LEAST: Final = 0.5  # points that the first example found costs


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the score: what it counts (code -> weight), and the share at which all points are gone."""

    id: str
    title: str
    of: int
    weights: Mapping[str, float]
    gone_at: float
    well: str
    noun: str


PARTS: Final = (
    Part(
        "uniqueness", "Uniqueness", 15, {"duplicate_examples": 1.0, "near_duplicates": 1.0}, 0.5,
        "Every example says something of its own.", "copies or near copies of others",
    ),
    Part(
        "consistency", "Consistency", 20,
        {"contradictions": 1.0, "label_variants": 0.5, "system_inconsistent": 0.5, "varied_answers": 0.1}, 0.2,
        "Same input, same answer: nothing contradicts itself.", "at odds with others",
    ),
    Part(
        "separation", "Fair validation", 10, {"validation_overlap": 1.0, "near_leakage": 1.0}, 0.25,
        "Nothing in the validation part was seen in training.", "of the validation part known from training",
    ),
    Part(
        "answers", "Answers", 15, {"empty_answers": 1.0, "refusals": 1.0, "placeholders": 1.0}, 0.2,
        "Every answer says something.", "empty, refusing or never filled in",
    ),
    Part(
        "length", "Length", 10, {"answer_lost": 1.0, "over_length": 0.5, "length_outliers": 0.1}, 0.2,
        "Every example fits.", "too long or of unusual length",
    ),
    Part(
        "text", "Clean text", 10, {"special_tokens": 1.0, "mojibake": 1.0, "language_mix": 0.25}, 0.2,
        "No control tokens, no damaged letters, one language.", "with control tokens, damage or another language",
    ),
    Part(
        "privacy", "Privacy", 10, {"secrets": 1.0, "personal_data": 0.5}, 0.1,
        "No keys, passwords or personal data were found.", "with secrets or personal data",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tally:
    """What the score needs to know. `weighed` holds, per part, the examples concerned and the sum of their weights
    (each example by the gravest of its issues)."""

    examples: int
    train: int
    validation: int
    weighed: Mapping[str, tuple[int, float]]
    rare_labels: int


def parts(tally: Tally) -> tuple[ScorePart, ...]:
    """Every part with its points and the reason, in the order of the table above."""
    return (*(_part(part, tally) for part in PARTS), _amount(tally))


def total(found: tuple[ScorePart, ...], train: int = MINIMUM_EXAMPLES, *, serious: bool = False) -> int:
    """The score: the sum of the parts, rounded; 100 only where nothing costs a point.

    Args:
        train: examples to train on.
        serious: whether an issue of severity error was found.
    """
    points, most = sum(part.points for part in found), sum(part.of for part in found)
    score = most if points == most else min(round(points), most - 1)
    if serious:
        score = min(score, 89)
    if any(part.points == 0 for part in found):
        score = min(score, 74)
    return score if train >= MINIMUM_EXAMPLES else min(score, 49)


def grade(score: int) -> str:
    """The score in words."""
    if score >= 90:
        return "Very good"
    if score >= 75:
        return "Good"
    return "Needs work" if score >= 50 else "Poor"


def _part(part: Part, tally: Tally) -> ScorePart:
    count, weight = tally.weighed.get(part.id, (0, 0.0))
    total = tally.validation if part.id == "separation" else tally.examples
    if part.id == "separation" and not total:
        return ScorePart(part.id, part.title, part.of, part.of, "No validation part: nothing can leak into it.")
    if not count:
        return ScorePart(part.id, part.title, part.of, part.of, part.well)
    lost = max(part.of * (weight / max(total, 1)) / part.gone_at, _LEAST * min(weight, 1.0))
    points = max(round(part.of - lost, 1), 0.0)
    share = f"{count / max(total, 1):.1%}"
    text = f"{count:,} of {total:,} ({share}) {part.noun}."
    return ScorePart(part.id, part.title, points, part.of, text)


def _amount(tally: Tally) -> ScorePart:
    """Seven points for the number of examples, three for labels that occur often enough."""
    enough = min(math.log(max(tally.train, 1) / 10) / math.log(ENOUGH / 10), 1.0)
    points = 7.0 * max(enough, 0.0)
    rare = min(2 * tally.rare_labels / max(tally.examples, 1), 1.0)
    points += 3.0 * (1 - rare) - (_LEAST if 0 < rare < _LEAST / 3 else 0.0)
    told = f"{tally.train:,} examples to train on"
    told += "." if tally.train >= ENOUGH else f"; {ENOUGH} or more give a better model."
    if tally.train < MINIMUM_EXAMPLES:
        told += f" Below {MINIMUM_EXAMPLES} the score stays under 50: nothing can be trained."
    if tally.rare_labels:
        told += f" {tally.rare_labels:,} have a label that hardly occurs."
    return ScorePart("amount", "Amount and balance", max(round(points, 1), 0.0), 10, told)
