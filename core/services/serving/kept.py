"""The newest comparisons of this process: the same models and the same input show the same answers again.

So a reload, and a colleague who opens the address, see what was answered. They are not saved: after a restart of the
web app they are asked again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.services.serving import chat
from core.services.serving.answering import StreamedAnswer
from core.services.serving.chat import ChatOptions
from core.services.serving.comparing import ComparedInput

MOST_KEPT: Final = 64


@dataclass(frozen=True)
class ComparedAnswers:
    """What was asked of which models, and their answers, which may still be growing."""

    model_ids: tuple[str, ...]
    asked: ComparedInput
    options: ChatOptions
    answers: tuple[StreamedAnswer, ...]

    @property
    def done(self) -> bool:
        """Whether every answer has ended."""
        return all(answer.done.is_set() for answer in self.answers)

    def stop(self) -> None:
        """End the answers that are still growing."""
        for answer in self.answers:
            answer.stop()


_kept: deque[ComparedAnswers] = deque(maxlen=MOST_KEPT)
_changing = threading.Lock()


def ask(model_ids: Sequence[str], asked: ComparedInput, options: ChatOptions) -> ComparedAnswers:
    """Send the input to all models at once; replaces what they answered to it before.

    Raises:
        BudgetReached: a budget does not cover what models behind connections may cost.
    """
    chat.check_budget(model_ids, asked.messages, options)
    answers = tuple(StreamedAnswer(model_id, asked.messages, options).start() for model_id in model_ids)
    compared = ComparedAnswers(tuple(model_ids), asked, options, answers)
    with _changing:
        if (before := _find(model_ids, asked, options)) is not None:
            _kept.remove(before)
        _kept.append(compared)
    return compared


def find(model_ids: Sequence[str], asked: ComparedInput, options: ChatOptions) -> ComparedAnswers | None:
    """What these models answered to this input; None if they were not asked, or too long ago."""
    with _changing:
        return _find(model_ids, asked, options)


def _find(model_ids: Sequence[str], asked: ComparedInput, options: ChatOptions) -> ComparedAnswers | None:
    wanted = tuple(model_ids), asked, options
    return next((one for one in _kept if (one.model_ids, one.asked, one.options) == wanted), None)
