"""The studio's own server (`python -m worker.inference`), reached over HTTP on the loopback address."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any

from core.errors import NotFound, ProviderError, ProviderUnavailable
from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.serving.targets.base import AnswerChunk, Availability, ChatOptions
from core.settings import get_settings

if TYPE_CHECKING:
    import httpx

_HEALTH_TIMEOUT_S = 2.0
_CONNECT_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 300.0  # between two chunks; the first one waits for the model to load
_REMEDY = "Start it with `sft up`, or `python -m worker.inference`."


class Studio:
    """Serves every active model beside its base; a model is published by its database row alone."""

    id = "studio"
    title = "SFT Studio"
    engine = ""  # of the inference process; "": the one that was chosen for the model

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        if not base.architecture.endswith("ForCausalLM"):
            return Availability(False, "Only causal language models are served." if base.architecture else base.reason)
        return Availability(True, "Served by this studio, beside its base model.")

    def health(self) -> Availability:
        try:
            with self._client() as client:
                answer = client.get("/health", timeout=_HEALTH_TIMEOUT_S)
                answer.raise_for_status()
        except _httpx().HTTPError:
            return Availability(False, f"The inference process is not responding at {get_settings().inference_url}.")
        return Availability(True, "The inference process is running.")

    def figures(self) -> dict[str, Any] | None:
        """What the inference process does now (`worker.inference.engine`); None where it does not respond."""
        connection = HTTPConnection("127.0.0.1", get_settings().inference_port, timeout=_HEALTH_TIMEOUT_S)
        try:
            connection.request("GET", "/health")
            found = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return found if isinstance(found, dict) else None

    def warm_up(self) -> None:
        with suppress(_httpx().HTTPError), self._client() as client:
            client.get("/health", params={"warm_up": True}, timeout=_HEALTH_TIMEOUT_S)

    def chat(self, model_id: str, messages: Sequence[Mapping[str, Any]], options: ChatOptions) -> Iterator[AnswerChunk]:
        body = {
            "model": model_id,
            "messages": [dict(message) for message in messages],
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "top_p": options.top_p,
            "seed": options.seed,
            "stop": list(options.stop) or None,
            "engine": self.engine or None,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        try:
            with self._client() as client, client.stream("POST", "/v1/chat/completions", json=body) as answer:
                if answer.status_code != 200:
                    raise _error(answer.status_code, answer.read())
                yield from _chunks(answer.iter_lines())
        except _httpx().ConnectError as error:
            raise _unavailable() from error
        except _httpx().TimeoutException as error:
            waited = f"nothing came for {_ANSWER_TIMEOUT_S:.0f} seconds"
            raise ProviderError(f"The answer was interrupted, because {waited}.", "Ask again.") from error
        except _httpx().HTTPError as error:
            raise ProviderError(
                "The answer was interrupted, because the inference process ended.",
                "`sft up` restarts it within seconds: ask again.",
            ) from error

    def _client(self) -> httpx.Client:
        timeout = _httpx().Timeout(_ANSWER_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
        # trust_env off: a proxy must not be used for the loopback address
        client: httpx.Client = _httpx().Client(base_url=get_settings().inference_url, timeout=timeout, trust_env=False)
        return client


class StudioEngine(Studio):
    """The studio's own engine, whatever was chosen for the model: what a published model is compared with."""

    engine = "studio"


def _httpx() -> Any:
    import httpx

    return httpx


def _unavailable() -> ProviderUnavailable:
    return ProviderUnavailable(f"The inference process is not responding at {get_settings().inference_url}.", _REMEDY)


def _error(status: int, body: bytes) -> ProviderError | NotFound:
    """The server's error in OpenAI's shape as one of the studio's own."""
    try:
        error = json.loads(body)["error"]
        message, remedy = str(error["message"]), str(error.get("remedy") or "")
    except (ValueError, KeyError, TypeError):
        message, remedy = f"The inference process answered with status {status}.", _REMEDY
    return NotFound(message, remedy) if status == 404 else ProviderError(message, remedy)


def _chunks(lines: Iterator[str]) -> Iterator[AnswerChunk]:
    """Server-sent events -> chunks; ends at `[DONE]`."""
    for line in lines:
        if not line.startswith("data: "):
            continue
        data = line.removeprefix("data: ")
        if data == "[DONE]":
            return
        event = json.loads(data)
        if "error" in event:
            raise ProviderError(str(event["error"].get("message")), str(event["error"].get("remedy") or ""))
        usage = event.get("usage") or {}
        choice = event["choices"][0] if event.get("choices") else {}
        yield AnswerChunk(
            text=(choice.get("delta") or {}).get("content") or "",
            finish_reason=choice.get("finish_reason"),
            prompt_tokens=usage.get("prompt_tokens", 0),
            completion_tokens=usage.get("completion_tokens", 0),
        )
    raise ProviderError("The answer ended early.", "Ask again.")
