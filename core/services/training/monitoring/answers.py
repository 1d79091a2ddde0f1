"""The answers of a run's model to its fixed prompts, step by step."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from core.messages import Message
from core.platform.db.tables import ANSWERS
from core.platform.db.uow import read


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One answer. `step` 0 is the base model; `cut`: the answer reached the token limit."""

    step: int
    answer: str
    cut: bool


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """A fixed prompt with all its answers, oldest first. `split` is its origin: validation, train, typed."""

    position: int
    split: str
    messages: tuple[Message, ...]
    expected: str
    answers: tuple[SampleRecord, ...]


def sample_answers(job_id: str) -> list[PromptRecord]:
    """The prompts of a run in their order; [] if there are none, or none yet."""
    query = select(ANSWERS).where(ANSWERS.c.job_id == job_id).order_by(ANSWERS.c.step, ANSWERS.c.position)
    answers: dict[int, list[SampleRecord]] = {}
    prompts = {}
    for row in read(query):
        prompts[row.position] = row
        answers.setdefault(row.position, []).append(SampleRecord(row.step, row.answer, row.cut))
    return [
        PromptRecord(
            position=position,
            split=row.split,
            messages=tuple(Message.from_dict(message) for message in row.messages),
            expected=row.expected,
            answers=tuple(answers[position]),
        )
        for position, row in sorted(prompts.items())
    ]
