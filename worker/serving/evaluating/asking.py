"""What asks a model: each answer is handed over as soon as it is complete, so that it can be stored at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from core.services.serving.evaluating.questions import EvaluationQuestion
from core.serving.evaluations.records import AnswerRecord, Contestant, EvaluationSettings

TICK_S: Final = 0.2
GIVE_UP_AFTER: Final = 5  # failures before the first answer: the others would fail too
SUITE_TOKENS: Final = 160  # of an answer to an item of a suite
_SEEDS: Final = 1_000_003


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question in one of its repeats, the length at which its answer is cut, and the schema that it follows."""

    question: EvaluationQuestion
    repeat: int
    max_tokens: int
    schema: Mapping[str, Any] | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        """(suite, position, repeat)."""
        return self.question.suite, self.question.position, self.repeat

    def name(self, evaluation_id: str, model: Contestant) -> str:
        """It, with the model that is asked: the same in every run of the evaluation, and of no other question."""
        return " ".join((evaluation_id, model.id, *map(str, self.key)))

    def seed(self, settings: EvaluationSettings) -> int | None:
        """Of a sampled answer: the same each time, and another one in each repeat."""
        return settings.seed + self.question.position + _SEEDS * self.repeat if settings.temperature else None

    def record(self, model: Contestant, answer: str = "", **values: object) -> AnswerRecord:
        """The answer to it, without scores."""
        where = (model.id, self.question.suite, self.question.position, self.repeat)
        return AnswerRecord(*where, answer.replace("\0", ""), **values)  # type: ignore[arg-type]


class Asker(Protocol):
    """Asks models of one kind."""

    def answers(
        self, model: Contestant, asked: Sequence[AskedQuestion], settings: EvaluationSettings
    ) -> Iterator[list[AnswerRecord]]:
        """The answers as they are completed, in any order; empty lists while nothing is. Closing it stops the rest.

        Raises:
            StudioError: the model cannot answer at all.
        """

    def close(self, *, ends: bool) -> None:
        """Stop asking.

        Args:
            ends: the same is not asked again: what is under way ends too. Else it goes on where it can, for the run
                that continues.
        """
