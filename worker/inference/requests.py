"""What the engine is asked for: answers, and how likely a model finds given outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from core.errors import StudioError
from core.serving.targets.base import AnswerChunk, ChatOptions

if TYPE_CHECKING:
    from worker.inference.prompts import Question
    from worker.inference.served_models import Served

READ_AT_ONCE: Final = 512  # tokens of prompts between two steps
MAX_ROWS: Final = 32  # answers that advance; further ones wait for a place, instead of making all slow
MAX_OPEN: Final = 96  # with those that wait; more are refused
BULK_ROWS: Final = 48  # answers to bulk requests that advance beside them
BULK_START: Final = 12  # that start together, so that their prompts are read together


class Busy(StudioError):
    """Too many answers are running."""


class NoRoom(StudioError):
    """The memory for a model is missing."""


def _always() -> bool:
    return True


@dataclass(frozen=True)
class GenerationRequest:
    """A queued request: `emit` receives chunks, or the error that ended it; `cancelled` ends it from outside.

    Attributes:
        schema: a JSON schema that the answer follows.
        streams: whether chunks are wanted as they are written; else there is one, with everything.
        bulk: of many that a program asks in the background: those of people do not wait for them.
        starts: asked before the first work on it; False: it is not wanted any more.
        context: of the request, so that its log lines carry its id.
    """

    question: Question
    options: ChatOptions
    emit: Callable[[AnswerChunk | Exception], None]
    cancelled: threading.Event
    schema: Mapping[str, Any] | None = None
    streams: bool = True
    bulk: bool = False
    starts: Callable[[], bool] = _always
    context: Context = field(default_factory=copy_context)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The sum of the log-probabilities of the tokens of an output, and their number."""

    logprob: float
    tokens: int


@dataclass(frozen=True)
class LikelihoodRequest:
    """How likely a model finds an output: `emit` receives a Likelihood, or an error.

    Attributes:
        ids, labels: of the conversation with its output; -100 where a token is not measured.
    """

    served: Served
    ids: Sequence[int]
    labels: Sequence[int]
    emit: Callable[[Likelihood | Exception], None]
    cancelled: threading.Event
    starts: Callable[[], bool] = _always
