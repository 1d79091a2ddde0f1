"""Metrics that a user defines: a regular expression, a JSON schema, or a Python function in a limited process.

A definition is plain data, `{"kind": ..., "name": ..., "body": ...}`, and is stored with the evaluation. One that
exceeds its limits again and again is given up: a thousand answers would each cost it the full time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core.errors import DataError
from core.models.thinking import without_thinking
from core.platform.limited import Limited, LimitExceeded
from core.registry import Registry
from core.serving.evaluation import sandbox
from core.serving.evaluation.base import EvaluationMetric, Graded, Score, mean_of
from core.text import slug

MOST: Final = 8  # custom metrics of one evaluation
LONGEST: Final = 20_000  # characters of a definition
_MEMORY_BYTES: Final = 512 << 20
_CPU_S: Final = 1.0  # of one answer; a useful definition takes a thousandth
_WALL_S: Final = 5.0  # where it waits; or where the machine has much else to do
_IN_A_ROW: Final = 3  # answers over a limit, after which a metric is given up
_IN_ALL: Final = 10
_SHOWN: Final = 60  # characters of an answer in a message


def _run(function: Callable[..., object]) -> Limited:
    target = f"{function.__module__}:{function.__name__}"
    return Limited(target, memory_bytes=_MEMORY_BYTES, cpu_s=_CPU_S, wall_s=_WALL_S)


_regex: Final = _run(sandbox.regex)
_schema: Final = _run(sandbox.schema)
_function: Final = _run(sandbox.function)


@dataclass(frozen=True, slots=True)
class CustomKind:
    """One kind of custom metric.

    Attributes:
        hint: what its body is.
        check: raises DataError where a body is wrong.
        value: of one answer, from the body. Raises LimitExceeded.
        faster: what to do where that takes too long.
    """

    id: str
    title: str
    hint: str
    check: Callable[[str], None]
    value: Callable[[str, Graded], float]
    faster: str


CUSTOM_KINDS: Final = Registry[CustomKind]("kind of custom metric")


def metric_of(definition: Mapping[str, Any]) -> EvaluationMetric:
    """The metric of a definition. Raises DataError: says what is wrong with it; NotFound: the kind."""
    kind = CUSTOM_KINDS.get(str(definition.get("kind", "")))
    name, body = str(definition.get("name", "")).strip(), str(definition.get("body", ""))
    if not name or len(name) > 60:
        raise DataError("The name of a custom metric has 1 to 60 characters.", "Choose another one.", field="name")
    if not body.strip() or len(body) > LONGEST:
        raise DataError(f"“{name}” has no definition, or one of more than {LONGEST:,} characters.", field="body")
    kind.check(body)
    text = f"{kind.title}: {body if len(body) <= 80 else body[:79] + '…'}"
    trial = _Trial(kind, name, body)
    metric = mean_of(f"custom_{slug(name)}", name, text, trial.value, needs=())

    def compute(graded: Sequence[Graded]) -> tuple[Score, ...]:
        found = metric.compute(graded)
        return () if trial.given_up else found  # a figure of the first answers would say nothing about all

    return replace(metric, compute=compute, given_up=lambda: trial.given_up)


class _Trial:
    """The values of one metric, for as long as it keeps to its limits. An answer over a limit counts 0."""

    def __init__(self, kind: CustomKind, name: str, body: str) -> None:
        self._kind, self._name, self._body = kind, name, body
        self._in_a_row = self._in_all = 0
        self.given_up = ""

    def value(self, item: Graded) -> float | None:
        """None once it was given up."""
        if self.given_up:
            return None
        try:
            found = self._kind.value(self._body, item)
        except LimitExceeded as error:
            self._in_a_row, self._in_all = self._in_a_row + 1, self._in_all + 1
            if self._in_a_row >= _IN_A_ROW or self._in_all >= _IN_ALL:
                self.given_up = self._why(item, error.limit)
            return 0.0
        self._in_a_row = 0
        return found

    def _why(self, item: Graded, limit: str) -> str:
        often = f"{self._in_a_row} answers in a row" if self._in_a_row >= _IN_A_ROW else f"{self._in_all} answers"
        answer = " ".join(item.answer.split())
        answer = answer if len(answer) <= _SHOWN else answer[: _SHOWN - 1] + "…"
        text = f"The metric “{self._name}” was given up: it needed more than {limit} for {often}"
        return f"{text}, the last one being “{answer}”. {self._kind.faster}"


def _check_regex(body: str) -> None:
    said = _checked(_regex, body, "")
    if isinstance(said, str):
        raise DataError(f"The regular expression is wrong: {said}.", "Correct it.", field="body")


def _matches(body: str, item: Graded) -> float:
    return float(_regex(body, without_thinking(item.answer)) is True)


def _check_schema(body: str) -> None:
    said = _checked(_schema, body, "{}")
    if isinstance(said, str):
        raise DataError(f"The schema is wrong: {said}.", "Correct it.", field="body")


def _follows_schema(body: str, item: Graded) -> float:
    return float(_schema(body, without_thinking(item.answer)) is True)


def _check_function(body: str) -> None:
    said = _checked(_function, body, "", "")
    if isinstance(said, str):
        raise DataError(f"The function does not work: {said}.", "Correct it.", field="body")


def _called(body: str, item: Graded) -> float:
    """0 where the function fails: it runs for a thousand answers, and one must not end them."""
    said = _function(body, without_thinking(item.answer), item.expected)
    return 0.0 if isinstance(said, str) else float(said)


def _checked(run: Limited, *arguments: str) -> Any:
    try:
        return run(*arguments)
    except LimitExceeded as error:
        return f"it needs more than {error.limit}"


CUSTOM_KINDS.add(
    CustomKind(
        "regex", "Regular expression", "An answer that it matches somewhere counts as right.", _check_regex, _matches,
        "Write it without repeats inside repeats, such as (a+)+, and evaluate again.",
    )
)  # fmt: skip
CUSTOM_KINDS.add(
    CustomKind(
        "schema", "JSON schema", "An answer that is JSON of this schema counts as right.", _check_schema,
        _follows_schema, "Simplify its patterns and references, and evaluate again.",
    )
)  # fmt: skip
CUSTOM_KINDS.add(
    CustomKind(
        "function", "Python function", "A file with `def score(answer, expected):` that returns 0 to 1. It runs in a "
        f"process without network and files, with at most {_CPU_S:g} second of computing and "
        f"{_MEMORY_BYTES >> 20} MB of memory for each answer.", _check_function, _called,
        "Make the function faster, without waiting, and evaluate again.",
    )
)  # fmt: skip
