"""What a check is given and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from core.data.examples import likeness
from core.data.examples.lengths import MAX_SEQ_LENGTH, characters_of
from core.data.quality.records import Hit
from core.messages import Example

Progress = Callable[[float], None]
Measure = Callable[[Example], tuple[int, int]]  # tokens of an example, and where its first token with loss stands


@dataclass(frozen=True)
class Settings:
    """How a version is inspected.

    Attributes:
        max_seq_length: tokens that training keeps of an example.
        measure: counts tokens; None: estimates by characters / 4.
        threshold: similarity from which two examples are near duplicates.
    """

    max_seq_length: int = MAX_SEQ_LENGTH
    measure: Measure | None = None
    threshold: float = 0.8


@dataclass
class Case:
    """One example on its way past the checks; what several of them need is worked out once."""

    position: int
    example: Example
    text_index: int = field(default=0)

    @cached_property
    def text(self) -> str:
        """What is compared for near duplicates."""
        return likeness.text_of(self.example.messages)

    @cached_property
    def input(self) -> str:
        return likeness.input_of(self.example.messages)

    @cached_property
    def answer(self) -> str:
        return likeness.answer_of(self.example.messages)

    @cached_property
    def characters(self) -> int:
        return characters_of(self.example.messages)


class Check(Protocol):
    """Sees the examples go by once, then says what it knows of the set.

    `feed` yields what shows in one example alone; `finish` what shows only when all were seen. `notes` says what was
    not looked at.
    """

    def feed(self, case: Case) -> Iterator[Hit]: ...

    def finish(self, progress: Progress) -> Iterator[Hit]: ...

    def notes(self) -> Sequence[str]: ...


class Quiet:
    """The parts of a check that it does not need."""

    def feed(self, case: Case) -> Iterator[Hit]:
        yield from ()

    def finish(self, progress: Progress) -> Iterator[Hit]:
        yield from ()

    def notes(self) -> Sequence[str]:
        return ()


def shown(text: str, most: int = 80) -> str:
    """A text in one line, in quotes, cut where it is long."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= most else line[: most - 1] + '…'}”"


def masked(secret: str) -> str:
    """Enough of a secret to recognise it: its ends where it is long, and never half of it."""
    if len(secret) < 12:
        return "•" * len(secret)
    return f"{secret[:3]}{'•' * 6}{secret[-2:]}"
