"""What a check of the quality report is given, and what it returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.data.examples import likeness
from core.data.examples.lengths import MAX_SEQ_LENGTH, characters_of
from core.data.examples.sets import ExampleSet
from core.data.issues.duplicate_map import DuplicateMap
from core.messages import Example

Progress = Callable[[float], None]
Measure = Callable[[Example], tuple[int, int]]  # tokens of an example, and the index of its first token with loss
Span = tuple[int, int, int]  # index of the message, start, end (code points)


@dataclass(frozen=True, slots=True)
class Hit:
    """An issue found in one example.

    Attributes:
        position: of the example, from 0; -1 for an issue of the set as a whole.
        detail: what was found in this example, as a sentence.
        group: the same for examples that belong together (the position of one of them), -1 for a single one.
        subject: false for an example that is listed for comparison only (the training copy of a leaked one).
    """

    code: str
    position: int
    detail: str
    group: int = -1
    spans: tuple[Span, ...] = ()
    subject: bool = True


@dataclass(frozen=True)
class CheckSettings:
    """How a version is inspected.

    Attributes:
        max_seq_length: tokens that training keeps of an example.
        measure: counts tokens; None: they are estimated by characters / 4.
        threshold: similarity from which two examples are near duplicates.
    """

    max_seq_length: int = MAX_SEQ_LENGTH
    measure: Measure | None = None
    threshold: float = 0.8


@dataclass
class Case:
    """One example on its way past the checks; what several of them need is computed once."""

    position: int
    example: Example

    @cached_property
    def text(self) -> str:
        """What is compared for near duplicates."""
        return likeness.text_of(self.example.messages)

    @cached_property
    def input(self) -> str:
        """Everything before the last answer."""
        return likeness.input_of(self.example.messages)

    @cached_property
    def answer(self) -> str:
        """The last answer."""
        return likeness.answer_of(self.example.messages)

    @cached_property
    def characters(self) -> int:
        """Characters of all contents."""
        return characters_of(self.example.messages)


class BaseCheck:
    """Sees every example once, then reports on the set; a check overrides what it needs.

    `feed` yields what one example shows alone; `finish` what shows only once all were seen. `notes` says what was not
    examined. `duplicate_map` draws what is alike.
    """

    def __init__(self, settings: CheckSettings) -> None:
        self.settings = settings

    def feed(self, case: Case) -> Iterator[Hit]:
        yield from ()

    def finish(self, seen: ExampleSet, progress: Progress) -> Iterator[Hit]:
        yield from ()

    def notes(self) -> Sequence[str]:
        return ()

    def duplicate_map(self, seen: ExampleSet) -> DuplicateMap | None:
        return None


def shown(text: str, most: int = 80) -> str:
    """A text in one line, in quotes, cut where it is long."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= most else line[: most - 1] + '…'}”"


def masked(secret: str) -> str:
    """Enough of a secret to recognize it: its ends where it is long, and never half of it."""
    if len(secret) < 12:
        return "•" * len(secret)
    return f"{secret[:3]}{'•' * 6}{secret[-2:]}"


def spans_of(case: Case, pattern: re.Pattern[str]) -> tuple[Span, ...]:
    """Where a pattern matches in the messages."""
    return tuple(
        (index, match.start(), match.end())
        for index, message in enumerate(case.example.messages)
        for match in pattern.finditer(message.content)
    )


def named(case: Case, spans: Iterable[Span], most: int = 5) -> str:
    """The texts at some spans, each once."""
    texts = {case.example.messages[index].content[begin:end] for index, begin, end in spans}
    return ", ".join(sorted(texts)[:most])
