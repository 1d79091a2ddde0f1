"""What a client of language models is, and the plain values that go in and out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from core.messages import Tools
from core.models.tool_calls.base import Call

DEFAULT_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with its key. The key is left out of the repr, so that it does not reach a log by accident.

    Args:
        start_remedy: what to do where nothing answers; "" is for a server that a user started.
    """

    base_url: str
    key: str = field(default="", repr=False)
    timeout_s: float = DEFAULT_TIMEOUT_S
    start_remedy: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question.

    Args:
        messages: in OpenAI's shape; a turn of the assistant may have `tool_calls`.
        schema: a JSON schema that the answer must follow; None takes any text.
        max_tokens: of the answer.
        key: names the question, so that a server that knows such keys answers it once; "" for none.
        tools: OpenAI-shaped schemas of the functions that the model may call.
    """

    model: str
    messages: tuple[Mapping[str, Any], ...]
    schema: Mapping[str, Any] | None = None
    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int | None = None
    key: str = ""
    tools: Tools = ()

    @property
    def characters(self) -> int:
        """Length of everything that is sent as text."""
        more = [*(message["tool_calls"] for message in self.messages if message.get("tool_calls")), *self.tools]
        return sum(len(message["content"]) for message in self.messages) + sum(len(json.dumps(one)) for one in more)

    def spelled_out(self) -> list[dict[str, Any]]:
        """The messages with the schema in words at their end, for an endpoint that does not enforce it."""
        asked = f"\n\nAnswer with one JSON object of this schema and nothing else:\n{json.dumps(self.schema)}"
        *before, last = (dict(message) for message in self.messages)
        return [*before, last | {"content": last["content"] + asked}]


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model.

    Attributes:
        prompt_tokens, completion_tokens: as the server counts them; estimated as characters / 4 if it does not.
        finish_reason: stop, or length if it was cut at `max_tokens`; content_filter and others as the server reports.
        calls: of the offered tools.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str = "stop"
    calls: tuple[Call, ...] = ()


class Client(Protocol):
    """An open connection; may be used from several threads."""

    def models(self) -> list[str]:
        """Names of the available models; [] if the server has no list. Raises LlmError."""

    def ask(self, ask: Ask) -> Completion:
        """One answer. Raises LlmError."""

    def close(self) -> None:
        """Close the connection; running calls end with an LlmError."""


class ClientKind(Protocol):
    """One entry of the registry.

    `is_local`: its models run on the team's own machines, so that tokens cost nothing. `bounds_text`: it enforces every
    bound of a schema (lengths and patterns of text), not only its structure. `openai_path`: where OpenAI's endpoints
    are, below the address. `key_hosts`: the environment variables
    that hold a key for it, each with the hosts that the key is for (see core/services/platform/key_hosts.py).
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
    @property
    def openai_path(self) -> str: ...
    @property
    def key_hosts(self) -> Mapping[str, tuple[str, ...]]: ...

    def open(self, endpoint: Endpoint) -> Client:
        """A client for an endpoint; sends nothing yet."""
