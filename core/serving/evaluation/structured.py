"""Answers that should be JSON objects: whether they are, and which of their fields are right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.serving.evaluation.base import EvaluationMetric, Graded, Score

NO_LABEL: Final = "other"  # column of a confusion matrix: no JSON, no such field, or a value that is not a label
MOST_LABELS: Final = 12


def parse(text: str) -> Mapping[str, Any] | None:
    """The JSON object that a text is, or None. Surrounding blanks are ignored, anything else around it is not."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")  # Python reads NaN and Infinity


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal. In Python `True == 1`; in JSON they are different values."""
    return _canonical(left) == _canonical(right)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def fields_of(graded: Sequence[Graded]) -> tuple[str, ...]:
    """The fields of the expected objects, in the order of their first appearance."""
    return tuple(dict.fromkeys(name for item in graded for name in parse(item.expected) or ()))


@dataclass(frozen=True, slots=True)
class FieldGrade:
    """One field of an expected object: both values as JSON text; `given` is None if the answer does not have it."""

    name: str
    expected: str
    given: str | None
    right: bool


def graded_fields(expected: str, answer: str) -> tuple[FieldGrade, ...]:
    """The fields of the expected object, each with the value that the answer has for it."""
    wanted, given = parse(expected) or {}, parse(answer) or {}
    grades = []
    for name, value in wanted.items():
        text = _canonical(given[name]) if name in given else None
        grades.append(FieldGrade(name, _canonical(value), text, text == _canonical(value)))
    return tuple(grades)


def is_structured(graded: Sequence[Graded]) -> bool:
    """Whether every expected output is a JSON object with fields."""
    return bool(graded) and all(parse(item.expected) for item in graded)


def _valid(graded: Sequence[Graded]) -> tuple[Score, ...]:
    if not is_structured(graded):
        return ()
    valid = sum(parse(item.answer) is not None for item in graded)
    return (Score.count("Valid JSON", valid, len(graded), "valid_json"),)


def _by_field(graded: Sequence[Graded]) -> tuple[Score, ...]:
    if not is_structured(graded):
        return ()
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for item in graded:
        for field in graded_fields(item.expected, item.answer):
            right[field.name] += field.right
            total[field.name] += 1
    return tuple(
        Score.count(f"Field: {name}", right[name], total[name], "field_accuracy") for name in fields_of(graded)
    )


def _exact(graded: Sequence[Graded]) -> tuple[Score, ...]:
    if not is_structured(graded):
        return ()
    return (Score.count("All fields right", sum(_equal(item) for item in graded), len(graded), "all_fields"),)


def _equal(item: Graded) -> bool:
    answer = parse(item.answer)
    return answer is not None and same(answer, parse(item.expected))


def _share_right(item: Graded) -> float | None:
    grades = graded_fields(item.expected, item.answer)
    return sum(field.right for field in grades) / len(grades) if grades else None


VALID_JSON = EvaluationMetric(
    "valid_json",
    "Valid JSON",
    "The answer is a JSON object and nothing else.",
    _valid,
    of_one=lambda item: float(parse(item.answer) is not None) if parse(item.expected) else None,
)
FIELD_ACCURACY = EvaluationMetric(
    "field_accuracy",
    "Accuracy by field",
    "The field has the expected value; without valid JSON it is wrong.",
    _by_field,
    of_one=_share_right,
)
ALL_FIELDS = EvaluationMetric(
    "all_fields",
    "All fields right",
    "The same object: all expected fields and no others, in any order.",
    _exact,
    of_one=lambda item: float(_equal(item)) if parse(item.expected) else None,
)


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """How often each expected label (row) was answered with each label (column).

    Attributes:
        field: the field of the object.
        labels: of the rows, sorted.
        columns: the labels, and NO_LABEL last if an answer had none of them.
        counts: [row][column].
    """

    field: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def label_field(graded: Sequence[Graded]) -> str | None:
    """The first field whose expected values are 2 to 12 different texts, each expected more than once; else None."""
    for name in fields_of(graded):
        values = [(parse(item.expected) or {}).get(name) for item in graded]
        if all(isinstance(value, str) for value in values):
            counts = Counter(values)
            if 2 <= len(counts) <= MOST_LABELS and min(counts.values()) > 1:
                return name
    return None


def confusion(graded: Sequence[Graded], field: str) -> ConfusionMatrix:
    """The confusion matrix of one field."""
    pairs = [(str((parse(item.expected) or {}).get(field)), (parse(item.answer) or {}).get(field)) for item in graded]
    labels = tuple(sorted({expected for expected, _ in pairs}))
    counted = Counter(
        (expected, given if isinstance(given, str) and given in labels else NO_LABEL) for expected, given in pairs
    )
    others = any(column == NO_LABEL for _, column in counted)
    columns = (*labels, NO_LABEL) if others and NO_LABEL not in labels else labels
    return ConfusionMatrix(field, labels, columns, tuple(tuple(counted[row, col] for col in columns) for row in labels))
