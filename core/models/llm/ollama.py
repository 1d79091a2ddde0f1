"""Ollama, through its own client: a JSON schema goes into `format`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from core.models.llm import transport
from core.models.llm.base import Ask, Client, Completion, Endpoint
from core.models.llm.failures import LlmError, of_status
from core.models.llm.openai_compatible import call_of, connection_lost, timed_out, too_large
from core.models.tool_calls.base import json_of
from core.platform.network import AddressRefused
from core.settings import get_settings
from core.text import estimated_tokens

# Ollama cuts a longer prompt silently, so a context length is requested; in powers of two, because every change loads
# the model again.
SMALLEST_CONTEXT: Final = 4096
_LEVELS: Final = ("schema", "json", "text")


class Ollama:
    """Models that Ollama runs, on this machine or another."""

    id = "ollama"
    title = "Ollama"
    text = "Models that Ollama runs on this machine or in your network. Tokens cost nothing."
    needs_url = True
    needs_key = False
    is_local = True
    bounds_text = False
    openai_path = "/v1"
    key_hosts: Mapping[str, tuple[str, ...]] = {"OLLAMA_API_KEY": ("ollama.com",)}

    @property
    def default_url(self) -> str:
        return get_settings().ollama_url

    def open(self, endpoint: Endpoint) -> Client:
        return OllamaClient(endpoint)


class OllamaClient:
    def __init__(self, endpoint: Endpoint) -> None:
        import httpx
        import ollama

        self._endpoint = endpoint
        self._client = ollama.Client(host=endpoint.base_url)
        self._client._client.close()
        self._http = transport.make_client(httpx, endpoint)
        self._http.base_url = httpx.URL(endpoint.base_url)
        self._client._client = self._http
        self._level: dict[str, int] = {}
        self._lock = threading.Lock()

    def models(self) -> list[str]:
        listed = self._call(self._client.list)
        return sorted(str(model.model) for model in listed.models if model.model)

    def ask(self, ask: Ask) -> Completion:
        with self._lock:
            level = self._level.get(ask.model, 0)
        while True:
            try:
                made = self._ask(ask, level)
                break
            except LlmError as error:
                about_format = error.status in (400, 422, 500) and any(
                    word in error.detail.lower() for word in ("format", "schema", "grammar")
                )
                if ask.schema is None or level + 1 >= len(_LEVELS) or not about_format:
                    raise
                level += 1
        with self._lock:
            self._level[ask.model] = level
        text = made.message.content or ""
        counted = made.prompt_eval_count is not None and made.eval_count is not None
        return Completion(
            text=text,
            prompt_tokens=made.prompt_eval_count if counted else estimated_tokens(ask.characters),
            completion_tokens=made.eval_count if counted else estimated_tokens(len(text)),
            finish_reason=made.done_reason or "stop",
            calls=tuple(filter(None, (call_of(call.function) for call in made.message.tool_calls or ()))),
        )

    def close(self) -> None:
        self._http.close()

    def _ask(self, ask: Ask, level: int) -> Any:
        messages = list(map(_message, ask.messages))
        form: Any = None
        if ask.schema is not None:
            form = dict(ask.schema) if level == 0 else "json" if level == 1 else None
            if level > 0:
                messages = ask.spelled_out()
        options: dict[str, Any] = {"temperature": ask.temperature, "num_predict": ask.max_tokens}
        options["num_ctx"] = _window(ask)
        if ask.seed is not None:
            options["seed"] = ask.seed
        return self._call(
            lambda: self._client.chat(
                model=ask.model, messages=messages, tools=ask.tools or None, format=form, options=options, stream=False
            )
        )

    def _call(self, call: Any) -> Any:
        import httpx
        import ollama

        try:
            return call()
        except ollama.ResponseError as error:
            response = getattr(error.__context__, "response", None)
            headers = response.headers if response is not None else {}
            raise of_status(error.status_code, error.error, headers, self._endpoint.key) from None
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise connection_lost(self._endpoint, error) from None
            raise timed_out(self._endpoint) from None
        except transport.AnswerTooLarge:
            raise too_large() from None
        except ConnectionError as error:
            raise connection_lost(self._endpoint, error.__context__) from None
        except (httpx.HTTPError, AddressRefused) as error:
            raise connection_lost(self._endpoint, error) from None
        except (ValueError, TypeError, RuntimeError) as error:
            raise LlmError(f"The answer cannot be read ({type(error).__name__}).", cause="not_json") from None


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Ollama takes the arguments of a call as an object."""
    if not message.get("tool_calls"):
        return dict(message)
    functions = [call["function"] for call in message["tool_calls"]]
    calls = [{"name": one["name"], "arguments": json_of(str(one.get("arguments"))) or {}} for one in functions]
    return {**message, "tool_calls": [{"function": call} for call in calls]}


def _window(ask: Ask) -> int:
    """The context length to request: room for the prompt (3 characters a token, to be safe) and the answer."""
    needed, window = ask.characters // 3 + ask.max_tokens, SMALLEST_CONTEXT
    while window < needed and window < 131_072:
        window *= 2
    return window
