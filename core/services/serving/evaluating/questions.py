"""What an evaluation asks: the examples of a dataset's split, and the items of guard suites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from core.errors import DataError
from core.messages import Example, Message
from core.services.data import datasets
from core.serving.evaluation.suites import SUITES


@dataclass(frozen=True, slots=True)
class EvaluationQuestion:
    """What every model is asked.

    Attributes:
        suite: "" for an example of the dataset.
        position: of the example in its version, or of the item in its suite.
        expected: the output of the example; "" for an item of a suite.
        check: of an item of a suite (core.serving.evaluation.suites); {} for an example.
        split, source: of the example; "" for an item of a suite.
    """

    suite: str
    position: int
    messages: tuple[Message, ...]
    expected: str = ""
    check: Mapping[str, Any] | None = None
    split: str = ""
    source: str = ""

    @classmethod
    def of(cls, position: int, example: Example) -> Self | None:
        """The question in an example; None without an output in words."""
        asked = before_answer(example.messages)
        return cls("", position, *asked, split=example.split, source=example.source) if asked else None

    @property
    def text(self) -> str:
        """The last input."""
        return next((message.content for message in reversed(self.messages) if message.role == "user"), "")


def of_dataset(version_id: str, split: str, limit: int | None) -> tuple[list[EvaluationQuestion], int]:
    """The first examples of a split ("": of the version), and how many were left out: those without an output in
    words, and those with tools, which not every model takes.

    Raises:
        DataError: there is none.
    """
    found: list[EvaluationQuestion] = []
    left_out = 0
    for position, example in enumerate(datasets.iter_examples(version_id)):
        if split and example.split != split:
            continue
        asked = EvaluationQuestion.of(position, example)
        if asked is None or example.tools:
            left_out += 1
            continue
        found.append(asked)
        if limit and len(found) == limit:
            break
    if not found:
        text = f"The dataset has no examples in its {split} split." if split else "The dataset has no examples to ask."
        raise DataError(text, "Split off a part under Datasets, or choose another split.", field="split")
    return found, left_out


def of_suites(ids: Sequence[str]) -> Iterator[EvaluationQuestion]:
    """The items of guard suites."""
    for suite_id in ids:
        for position, item in enumerate(SUITES.get(suite_id).items):
            yield EvaluationQuestion(suite_id, position, item.messages, check=item.check)


def before_answer(messages: Sequence[Message]) -> tuple[tuple[Message, ...], str] | None:
    """The conversation up to its last output, and that output; None without one in words."""
    for at in range(len(messages) - 1, 0, -1):
        if messages[at].role == "assistant":
            if messages[at].tool_calls or not messages[at].content.strip():
                return None
            return tuple(messages[:at]), messages[at].content
    return None
