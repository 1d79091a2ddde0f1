"""What `/v1/chat/completions` makes of a request for `agent:<handle>`: which models may answer, and what they are sent.

A conversation keeps its side of a split. It is identified by the header X-Conversation-Id, else by
`metadata.conversation_id`, else by `user`, else by its first message: a client that sends the history again is
recognized by that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.services.serving import agents
from core.services.serving.agents import PREFIX, ResolvedAgent
from core.services.serving.chat import ServedModel

HEADER: Final = "X-Conversation-Id"
LONGEST_THREAD: Final = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """A model that may answer, with the request for it; `labels` tell the client which one it was."""

    model: ServedModel
    body: dict[str, Any]
    labels: Mapping[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """The labels as headers, for a stream; {} for a model."""
        return (
            {}
            if not self.labels
            else {
                "X-SFT-Agent": str(self.labels["handle"]),
                "X-SFT-Agent-Version": str(self.labels["version"]),
                "X-SFT-Model": self.model.id,
            }
        )


def asks_agent(asked: Mapping[str, Any]) -> bool:
    """Whether a request is for an agent."""
    return str(asked.get("model", "")).startswith(PREFIX)


def thread_of(asked: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """What identifies the conversation of a request."""
    metadata = asked.get("metadata")
    given = headers.get(HEADER.lower()) or (isinstance(metadata, dict) and metadata.get("conversation_id"))
    given = given or asked.get("user")
    if isinstance(given, str) and given.strip():
        return given.strip()[:LONGEST_THREAD]
    first = next((one for one in _messages(asked) if isinstance(one, dict) and one.get("role") == "user"), None)
    return hashlib.sha256(json.dumps(first, sort_keys=True).encode()).hexdigest()[:32]


def attempts(asked: Mapping[str, Any], thread: str) -> list[Attempt]:
    """The models that may answer, in order. Raises NotFound: no such agent, or none of its models can answer."""
    found = agents.resolve(str(asked["model"]), thread)
    first = Attempt(found.model, _body(asked, found, found.model), _labels(found, found.model, found.side))
    if found.fallback is None or found.fallback.id == found.model.id:
        return [first]
    labels = _labels(found, found.fallback, agents.FALLBACK)
    return [first, Attempt(found.fallback, _body(asked, found, found.fallback), labels)]


def _labels(found: ResolvedAgent, model: ServedModel, side: str) -> dict[str, Any]:
    agent = found.agent
    return {
        "id": agent.id,
        "handle": agent.handle,
        "version": agent.version.number,
        "model": model.id,
        "model_name": model.title,
        "side": side,
    }


def _body(asked: Mapping[str, Any], found: ResolvedAgent, model: ServedModel) -> dict[str, Any]:
    """The request with the agent's system message, and its settings where the request has none."""
    options = found.options
    usual: dict[str, Any] = {"temperature": options.temperature, "top_p": options.top_p}
    if not {"max_tokens", "max_completion_tokens"} & set(asked):
        usual["max_tokens"] = options.max_tokens
    if options.seed is not None:
        usual["seed"] = options.seed
    if options.stop:
        usual["stop"] = list(options.stop)
    given = {name: value for name, value in asked.items() if value is not None}
    return {**usual, **given, "model": model.id, "messages": _with_system(asked, found.system)}


def _with_system(asked: Mapping[str, Any], system: str) -> Any:
    """The messages after the agent's system message; one of the request follows it in the same message, because many
    chat templates take one only."""
    messages = _messages(asked)
    if not system:
        return asked.get("messages")
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    if first.get("role") in ("system", "developer") and isinstance(first.get("content"), str):
        joined = f"{system}\n\n{first['content']}" if first["content"].strip() else system
        return [{"role": "system", "content": joined}, *messages[1:]]
    return [{"role": "system", "content": system}, *messages] if messages else asked.get("messages")


def _messages(asked: Mapping[str, Any]) -> list[Any]:
    found = asked.get("messages")
    return found if isinstance(found, list) else []
