"""What a client of language models is, and the plain values that go in and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

DEFAULT_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask. The key never shows in a repr, so that it reaches no log by accident."""

    base_url: str
    key: str = field(default="", repr=False)
    timeout_s: float = DEFAULT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Ask:
    """One question.

    Args:
        schema: a JSON schema that the answer must follow; None takes any text.
        max_tokens: of the answer.
    """

    model: str
    messages: tuple[Mapping[str, str], ...]
    schema: Mapping[str, Any] | None = None
    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int | None = None

    @property
    def characters(self) -> int:
        """Length of everything that is sent as text."""
        return sum(len(message["content"]) for message in self.messages)


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model.

    Attributes:
        finish_reason: stop, or length where it was cut at `max_tokens`; content_filter and others as the server says.
        estimated: the server did not count tokens; the counts are characters / 4.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str = "stop"
    estimated: bool = False


class Client(Protocol):
    """An open connection; may be used from several threads."""

    def models(self) -> list[str]:
        """Names of the models that answer there; [] where the server keeps no list. Raises LlmError."""

    def ask(self, ask: Ask) -> Completion:
        """One answer. Raises LlmError."""

    def close(self) -> None:
        """Give the connection up; calls under way end with an LlmError."""


class ClientKind(Protocol):
    """One entry of the registry.

    `is_local` says that its models run on the team's own machines, so that their tokens cost nothing by the piece;
    `bounds_text` that it keeps to every bound of a schema (lengths and patterns of texts), not to its structure alone.
    """

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def needs_url(self) -> bool: ...
    @property
    def needs_key(self) -> bool: ...
    @property
    def default_url(self) -> str: ...
    @property
    def is_local(self) -> bool: ...
    @property
    def bounds_text(self) -> bool: ...

    def open(self, endpoint: Endpoint) -> Client:
        """A client for an endpoint; nothing is sent yet."""
