"""Schema match: the answer is JSON of the same shape as the expected outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from core.serving.evaluation.base import EvaluationMetric, Graded, Score
from core.serving.evaluation.structured import is_structured, parse

_NAMES: Final = ((bool, "boolean"), (int | float, "number"), (str, "string"), (list, "array"), (dict, "object"))


def shape(value: Any) -> Any:
    """The kinds of a JSON value: an object by its fields, a list by its items, null as "null"."""
    if isinstance(value, dict):
        return {name: shape(of) for name, of in value.items()}
    if isinstance(value, list):
        return ["array", *sorted({str(shape(item)) for item in value})]
    return next((name for kind, name in _NAMES if isinstance(value, kind)), "null")


def _of_one(item: Graded) -> float | None:
    wanted, given = parse(item.expected), parse(item.answer)
    if wanted is None:
        return None
    return float(given is not None and shape(given) == shape(wanted))


def _compute(graded: Sequence[Graded]) -> tuple[Score, ...]:
    if not is_structured(graded):
        return ()
    return (Score.count("Schema match", sum(_of_one(item) == 1 for item in graded), len(graded), "schema_match"),)


SCHEMA_MATCH: Final = EvaluationMetric(
    "schema_match",
    "Schema match",
    "The answer is a JSON object with the fields of the expected one, each of the same kind.",
    _compute,
    of_one=_of_one,
)
