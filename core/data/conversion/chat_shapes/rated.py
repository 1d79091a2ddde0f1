"""Rated answers: examples with a verdict (KTO's `label`) or a number beside them; bad ones are never learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from core.data.conversion.cells import is_empty
from core.data.conversion.chat_shapes.base import CHAT_SHAPES, ChatShape, ShapeChoice, ShapedRow
from core.data.conversion.chat_shapes.reading.turns import MEDIA, REFUSE
from core.data.conversion.chat_shapes.reading.values import lowered
from core.data.issues import finding

# Sources: TRL (label), LLaMA-Factory (kto_tag), and the names of thumbs in exports of chat apps.
_VERDICTS: Final = (
    "label",
    "kto_tag",
    "is_good",
    "good",
    "is_correct",
    "correct",
    "desirable",
    "thumbs_up",
    "thumbs",
    "upvoted",
    "liked",
    "helpful",
    "accepted",
    "approved",
    "feedback",
    "verdict",
    "vote",
)
_GOOD: Final = frozenset(
    [
        "true",
        "yes",
        "good",
        "positive",
        "up",
        "thumbs_up",
        "like",
        "liked",
        "desirable",
        "correct",
        "helpful",
        "accept",
        "accepted",
        "approved",
        "👍",
        "upvote",
        "1",
        "+1",
    ]
)
_BAD: Final = frozenset(
    [
        "false",
        "no",
        "bad",
        "negative",
        "down",
        "thumbs_down",
        "dislike",
        "disliked",
        "undesirable",
        "incorrect",
        "wrong",
        "unhelpful",
        "reject",
        "rejected",
        "👎",
        "downvote",
        "0",
        "-1",
    ]
)
_RATINGS: Final = (
    "rating",
    "score",
    "stars",
    "quality",
    "reward",
    "overall_score",
    "overall_rating",
    "quality_score",
    "helpfulness",
    "human_score",
    "grade",
    "user_rating",
    "star_rating",
)
_OWN: Final = frozenset({"rated", "rated_score"})
_MOST_OFFERED = 20
_EVERY = 0.95  # share of rows with a verdict: a column of classes that also has 0 and 1 is not one of verdicts


def verdict(value: Any) -> bool | None:
    """True for a good answer, False for a bad one, None for anything else."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    return True if word in _GOOD else False if word in _BAD else None


def rating(value: Any) -> float | None:
    """A rating as a number; None if it is not one."""
    try:
        return None if isinstance(value, bool) or is_empty(value) else float(str(value).strip())
    except ValueError:
        return None


def _verdict_name(lower: Mapping[str, Any]) -> str | None:
    return next((name for name in _VERDICTS if name in lower and verdict(lower[name]) is not None), None)


def _rating_name(lower: Mapping[str, Any]) -> str | None:
    return next((name for name in _RATINGS if name in lower and rating(lower[name]) is not None), None)


def _base(lower: Mapping[str, Any], name: str | None) -> ChatShape | None:
    """The shape of the row without its verdict; none for tables that only classify texts."""
    rest = {key: value for key, value in lower.items() if key != name}
    return next((shape for shape in CHAT_SHAPES if shape.id not in _OWN and shape.fits(rest)), None)


def _has_verdict(lower: Mapping[str, Any]) -> bool:
    name = _verdict_name(lower)
    return name is not None and _base(lower, name) is not None


def _has_rating(lower: Mapping[str, Any]) -> bool:
    name = _rating_name(lower)
    return name is not None and _base(lower, name) is not None


def _from_verdict(fields: Mapping[str, Any], images: str = REFUSE) -> object:
    lower = lowered(fields)
    name = _verdict_name(lower)
    made = _unrated(lower, name, images)
    if name is None or verdict(lower[name]):
        return made
    text = f"The answer is rated bad (`{name}` is {str(lower[name]).lower()}), so it is not learned."
    return replace(made, findings=(finding("rated_bad", text, field=name),), leave_out=True)


def _from_rating(fields: Mapping[str, Any], threshold: str = "", images: str = REFUSE) -> object:
    lower = lowered(fields)
    name = _rating_name(lower)
    made = _unrated(lower, name, images)
    least, given = rating(threshold), rating(lower.get(name)) if name else None
    if least is None or given is None or given >= least:
        return made
    text = f"The answer is rated {given:g}, below the chosen {least:g} (`{name}`), so it is not learned."
    return replace(made, findings=(finding("rated_bad", text, field=name),), leave_out=True)


def _unrated(lower: Mapping[str, Any], name: str | None, images: str) -> ShapedRow:
    base = _base(lower, name)
    if base is None:
        return ShapedRow(None)
    chosen = {"images": images} if any(choice.id == "images" for choice in base.choices) else None
    made = base.converter(chosen)({key: value for key, value in lower.items() if key != name})
    return made if isinstance(made, ShapedRow) else ShapedRow(made)


def _thresholds(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """The ratings to choose from: every value, or twenty of them where there are more."""
    given = sorted(
        {number for row in rows if (name := _rating_name(row)) and (number := rating(row[name])) is not None}
    )
    if len(given) > _MOST_OFFERED:
        given = [given[round(place * (len(given) - 1) / (_MOST_OFFERED - 1))] for place in range(_MOST_OFFERED)]
    return {f"{number:g}": f"Learn answers rated {number:g} or more" for number in dict.fromkeys(given)}


THRESHOLD: Final = ShapeChoice(
    "threshold",
    "Lowest rating",
    "Answers rated below it are left out, with their number. Without a choice the rating is not used.",
    _thresholds,
)
RATED_SHAPE = ChatShape(
    "rated",
    "Rated answers",
    "TRL and LLaMA-Factory (KTO): a verdict beside an example; rows rated bad are left out",
    (),
    ("label", "kto_tag", "is_good", "thumbs_up", "feedback"),
    _from_verdict,
    choices=(MEDIA,),
    also=_has_verdict,
    least=_EVERY,
)
RATED_SCORE_SHAPE = ChatShape(
    "rated_score",
    "Answers with ratings",
    "a number beside an example: rating, score, stars, reward; you choose the lowest",
    (),
    (),
    _from_rating,
    choices=(THRESHOLD, MEDIA),
    also=_has_rating,
)
