"""What a target is: a place that serves models. A screen shows a target's own reasons when it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

DEFAULT_MAX_TOKENS: Final = 256


@dataclass(frozen=True, slots=True)
class Answerable:
    """Whether a target can do something, and why (not)."""

    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a streamed answer. The last one has `finish_reason` (stop or length) and the token counts."""

    text: str = ""
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How an answer is sampled; temperature 0 always takes the likeliest token."""

    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = field(default=())


class Target(Protocol):
    """One entry of the registry."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...

    def can_serve(self, architecture: str, method: str) -> Answerable:
        """Whether a model of this architecture, trained by this method, can be served here."""

    def health(self) -> Answerable:
        """Whether it answers now."""

    def warm_up(self) -> None:
        """Let it get ready for a first question; quiet when nothing answers there."""

    def published(self) -> list[str]:
        """Ids of the models that it serves now."""

    def publish(self, model_id: str) -> None:
        """Make a model of the registry answerable there."""

    def unpublish(self, model_id: str) -> None:
        """Take it away again; quiet when it is not there."""

    def chat(self, model_id: str, messages: Sequence[Mapping[str, Any]], options: ChatOptions) -> Iterator[Chunk]:
        """Stream the answer. Closing the iterator stops the generation.

        Raises:
            ProviderUnavailable: nothing answers there. NotFound: it does not serve this model.
        """
