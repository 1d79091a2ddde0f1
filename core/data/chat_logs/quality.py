"""How good a conversation is as a labeled example: a score from 0 to 100, with what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.data.chat_logs.base import Turn
from core.data.examples import sensitive
from core.data.issues.answers import refuses
from core.messages import Message
from core.text import plural

UNRATED: Final = 70  # a conversation that no one rated, in which no problem was found
_SHORT, _LONG = 3, 8_000  # characters of an answer


@dataclass(frozen=True, slots=True)
class QualityPart:
    """One reason for the score; `points` are negative where it lowers it."""

    id: str
    text: str
    points: int


@dataclass(frozen=True, slots=True)
class ChatQuality:
    """A score from 0 to 100, and its parts: UNRATED plus their points, within these bounds."""

    score: int
    parts: tuple[QualityPart, ...]

    @property
    def text(self) -> str:
        """The parts in words: `rated badly (-70), 1 answer refuses (-30)`."""
        return ", ".join(f"{part.text} ({part.points:+d})" for part in self.parts) or "not rated, no problem found"


def quality(messages: Sequence[Message], turns: Sequence[Turn]) -> ChatQuality:
    """The quality of an example that is made of these turns, before anything is redacted."""
    answers = [message.content for message in messages if message.role == "assistant"]
    parts = tuple(part for part in (*_people(turns), *_answers(answers), *_private(messages)) if part.points)
    return ChatQuality(max(0, min(100, UNRATED + sum(part.points for part in parts))), parts)


def _people(turns: Sequence[Turn]) -> Iterator[QualityPart]:
    rated = [turn.rating for turn in turns if turn.rating is not None]
    if rated:
        mean = sum(rated) / len(rated)
        word = "rated well" if mean > 0.6 else "rated badly" if mean < 0.4 else "rated in between"
        yield QualityPart("rating", word, round((60 if mean > 0.5 else 140) * (mean - 0.5)))
    for note, points, text in (
        ("corrected", 30, "corrected, and the correction accepted"),
        ("doubted", -30, "corrected, and the correction not accepted"),
        ("cut_off", -20, "cut off at its maximum length"),
        ("unfinished", -20, "stopped before its end"),
    ):
        count = sum(note in turn.notes for turn in turns)
        if count:
            yield QualityPart(note, f"{plural(count, 'answer')} {text}", points)


def _answers(answers: Sequence[str]) -> Iterator[QualityPart]:
    if count := sum(map(refuses, answers)):
        yield QualityPart("refusals", f"{plural(count, 'answer')} that refuse{'s' if count == 1 else ''}", -30)
    if answers and max(len(answer.strip()) for answer in answers) < _SHORT:
        yield QualityPart("length", "no answer of more than two characters", -10)
    elif any(len(answer) > _LONG for answer in answers):
        yield QualityPart("length", f"an answer of more than {_LONG:,} characters", -10)


def _private(messages: Sequence[Message]) -> Iterator[QualityPart]:
    found = sum(len(sensitive.find(message.content)) for message in messages)
    if found:
        yield QualityPart("personal_data", f"personal data in {plural(found, 'place')}", -10)
