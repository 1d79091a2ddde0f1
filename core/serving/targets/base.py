"""What a target is: a place that serves models and answers. A screen shows its own reasons where it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.availability import Availability

DEFAULT_MAX_TOKENS: Final = 256


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of an answer and its log-probability before temperature; `likeliest`: the best tokens there with theirs.

    All of the model's, also where a schema allows only some of them.
    """

    token: str
    logprob: float
    likeliest: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerChunk:
    """A piece of a streamed answer. The last one has `finish_reason` (stop or length), the token counts and, from the
    studio's own engine, the seconds from the first token of the prompt to the end."""

    text: str = ""
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()  # of the tokens since the chunk before, where they are requested
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How an answer is sampled; temperature 0 always takes the most likely token."""

    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = field(default=())
    special: bool = False  # keep special tokens in the text: some models begin a tool call with one
    logprobs: int | None = None  # None: none; else how many of the likeliest tokens to name beside each


class Target(Protocol):
    """One entry of the registry: it answers by itself (`AnsweringTarget`), models are published to it first
    (`core.serving.targets.publishing`), or both."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        """Whether a base model (method None), or one that was trained with a method, can be served here."""


@runtime_checkable
class AnsweringTarget(Target, Protocol):
    """A target that serves every active model."""

    def health(self) -> Availability:
        """Whether it answers now."""

    def warm_up(self) -> None:
        """Prepare for a first question; does nothing when the target does not answer."""

    def chat(self, model_id: str, messages: Sequence[Mapping[str, Any]], options: ChatOptions) -> Iterator[AnswerChunk]:
        """Stream the answer. Closing the iterator stops the generation.

        Raises:
            ProviderUnavailable: nothing answers there. NotFound: it does not serve this model.
        """
