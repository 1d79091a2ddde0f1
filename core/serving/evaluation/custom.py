"""Metrics that a user defines: a regular expression, a JSON schema, or a Python function in a limited process.

A definition is plain data, `{"kind": ..., "name": ..., "body": ...}`, and is stored with the evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.errors import DataError
from core.models.thinking import without_thinking
from core.platform.limited import Limited, LimitExceeded
from core.registry import Registry
from core.serving.evaluation import sandbox
from core.serving.evaluation.base import EvaluationMetric, Graded, mean_of
from core.text import slug

MOST: Final = 8  # custom metrics of one evaluation
LONGEST: Final = 20_000  # characters of a definition
_MEMORY_BYTES: Final = 512 << 20
_CPU_S: Final = 2.0


def _run(function: Callable[..., object]) -> Limited:
    target = f"{function.__module__}:{function.__name__}"
    return Limited(target, memory_bytes=_MEMORY_BYTES, cpu_s=_CPU_S)


_regex: Final = _run(sandbox.regex)
_schema: Final = _run(sandbox.schema)
_function: Final = _run(sandbox.function)


@dataclass(frozen=True, slots=True)
class CustomKind:
    """One kind of custom metric.

    Attributes:
        hint: what its body is.
        check: raises DataError where a body is wrong.
        value: of one answer, from the body.
    """

    id: str
    title: str
    hint: str
    check: Callable[[str], None]
    value: Callable[[str, Graded], float]


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
    return mean_of(f"custom_{slug(name)}", name, text, lambda item: kind.value(body, item), needs=())


def _check_regex(body: str) -> None:
    said = _limited(_regex, body, "")
    if isinstance(said, str):
        raise DataError(f"The regular expression is wrong: {said}.", "Correct it.", field="body")


def _matches(body: str, item: Graded) -> float:
    said = _limited(_regex, body, without_thinking(item.answer))
    return float(said is True)


def _check_schema(body: str) -> None:
    said = _limited(_schema, body, "{}")
    if isinstance(said, str):
        raise DataError(f"The schema is wrong: {said}.", "Correct it.", field="body")


def _follows_schema(body: str, item: Graded) -> float:
    """0 where checking exceeds its limits, as with a pattern that never ends."""
    said = _limited(_schema, body, without_thinking(item.answer))
    return float(said is True)


def _check_function(body: str) -> None:
    said = _limited(_function, body, "", "")
    if isinstance(said, str):
        raise DataError(f"The function does not work: {said}.", "Correct it.", field="body")


def _called(body: str, item: Graded) -> float:
    """0 where the function fails or exceeds its limits: it runs for a thousand answers, and one must not end them."""
    said = _limited(_function, body, without_thinking(item.answer), item.expected)
    return 0.0 if isinstance(said, str) else float(said)


def _limited(run: Limited, *arguments: str) -> Any:
    try:
        return run(*arguments)
    except LimitExceeded as error:
        return f"it needs more than {error.limit}"


CUSTOM_KINDS.add(
    CustomKind(
        "regex", "Regular expression", "An answer that it matches somewhere counts as right.", _check_regex, _matches
    )
)
CUSTOM_KINDS.add(
    CustomKind(
        "schema", "JSON schema", "An answer that is JSON of this schema counts as right.", _check_schema,
        _follows_schema,
    )
)  # fmt: skip
CUSTOM_KINDS.add(
    CustomKind(
        "function", "Python function", "A file with `def score(answer, expected):` that returns 0 to 1. It runs in a "
        "process without network names, with limits on time and memory.", _check_function, _called,
    )
)  # fmt: skip
