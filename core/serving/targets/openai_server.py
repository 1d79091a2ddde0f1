"""What servers with OpenAI's endpoints share: their list of models, and a streamed answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.models.llm import Endpoint
from core.serving.targets.base import AnswerChunk, ChatOptions
from core.serving.targets.http import checked, connected, json_lines
from core.serving.targets.publishing import Publication

if TYPE_CHECKING:
    import httpx


def listed(title: str, client: httpx.Client) -> list[str]:
    """The names of the models that a server offers."""
    body = checked(title, client.get("models")).json()
    return [str(model.get("id")) for model in body.get("data", ())]


def ask(
    title: str, publication: Publication, messages: Sequence[Mapping[str, Any]], options: ChatOptions
) -> Iterator[AnswerChunk]:
    """Stream an answer of the published model."""
    return stream(title, publication.endpoint, publication.name, messages, options)


def stream(
    title: str, endpoint: Endpoint | None, name: str, messages: Sequence[Mapping[str, Any]], options: ChatOptions
) -> Iterator[AnswerChunk]:
    """Stream an answer of a model that a server has."""
    body = {
        "model": name,
        "messages": [dict(message) for message in messages],
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    usual = ChatOptions()
    further = {"top_p": options.top_p, "seed": options.seed, "stop": list(options.stop)}
    body |= {key: value for key, value in further.items() if value not in (getattr(usual, key), [])}
    reason, counts = "", (0, 0)
    with connected(title, endpoint) as client, client.stream("POST", "chat/completions", json=body) as response:
        checked(title, response)
        for event in json_lines(response.iter_lines(), "data: "):
            usage = event.get("usage") or {}
            counts = (usage.get("prompt_tokens", counts[0]), usage.get("completion_tokens", counts[1]))
            choice = (event.get("choices") or [{}])[0]
            reason = choice.get("finish_reason") or reason
            if text := (choice.get("delta") or {}).get("content"):
                yield AnswerChunk(str(text))
    yield AnswerChunk("", reason or "stop", *counts)
