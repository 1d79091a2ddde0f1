"""What servers with OpenAI's endpoints share: their list of models, and a streamed answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from core.errors import ProviderError
from core.models.llm import Endpoint, LlmError, failures
from core.serving.targets.base import AnswerChunk, ChatOptions
from core.serving.targets.http import body_of, checked, connected, json_lines, said
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
    """Stream an answer of a model that a server has.

    Raises:
        ProviderUnavailable: nothing answers there. LlmError: it refuses the key or no longer has the model, its rate
            limit was reached. ProviderError: what answers is not a stream of a chat, or breaks.
    """
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
    reason, counts, started, half = "", (0, 0), False, ""
    with connected(title, endpoint) as client, client.stream("POST", "chat/completions", json=body) as response:
        if not response.is_success:
            raise refusal(title, name, response, endpoint.key if endpoint else "")
        for event in json_lines(response.iter_lines(), "data: "):
            if event.get("error"):
                raise ProviderError(f"{title} ended the answer: {said(event)}.", "Try again.")
            choices, usage = event.get("choices"), _object(event.get("usage"))
            started = started or isinstance(choices, list)
            counts = (_count(usage, "prompt_tokens", counts[0]), _count(usage, "completion_tokens", counts[1]))
            choice = _object(choices[0]) if isinstance(choices, list) and choices else {}
            reason = str(choice.get("finish_reason") or reason)
            if content := _object(choice.get("delta")).get("content"):
                text, half = _characters(half + str(content))
                if text:
                    yield AnswerChunk(text)
        if not started:
            raise ProviderError(f"{title} does not answer as OpenAI's chat does.", "Check its address.")
    yield AnswerChunk("\N{REPLACEMENT CHARACTER}" if half else "", reason or "stop", *counts)


# What an error of a service means for one model there: the sentence, and what to do.
_REFUSALS: Final = {
    "key": ("{title} rejects its key", "Enter a valid key under Settings, Connections."),
    "quota": ("The account at {title} has no credit left", "Top it up at the service."),
    "model": (
        "{title} does not have the model “{name}”",
        "It may have been retired or switched off there: test the connection, and see Shutdowns.",
    ),
    "rate_limited": ("The rate limit of {title} was reached", "Wait a moment, and ask again."),
    "server": ("{title} failed", "Ask again later."),
}


def refusal(title: str, name: str, response: httpx.Response, key: str = "") -> LlmError:
    """The error for a response that is not the answer of a model, with the server's own words."""
    response.read()
    error = failures.of_status(response.status_code, body_of(response), response.headers, key)
    what, remedy = _REFUSALS.get(error.cause, ("{title} refused the request", error.remedy))
    own, _ = failures.words_of(body_of(response), key)
    tail = f": {own.rstrip('.')}." if own else "."
    return LlmError(
        f"{what.format(title=title, name=name)} ({response.status_code}){tail}", remedy, cause=error.cause,
        status=error.status, retry_after_s=error.retry_after_s, detail=error.detail,
    )  # fmt: skip


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(usage: Mapping[str, Any], name: str, before: int) -> int:
    """A count of tokens; what is none leaves the one before."""
    value = usage.get(name)
    return value if isinstance(value, int) and 0 <= value < 2**31 else before


def _characters(text: str) -> tuple[str, str]:
    """Text that a database holds, and half a character at its end, whose other half comes with the next event: some
    servers cut between UTF-16's halves."""
    half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
    whole = text.removesuffix(half).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}"), half
