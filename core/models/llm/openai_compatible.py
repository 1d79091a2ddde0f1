"""Any server that speaks OpenAI's chat completions, through the `openai` client."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Any, Final

from core.models.llm import transport
from core.models.llm.base import Ask, Client, Completion, Endpoint
from core.models.llm.failures import LlmError, looks_like_html, of_status, words_of
from core.models.tool_calls.base import Call
from core.platform.network import AddressRefused
from core.text import estimated_tokens

SCHEMA_NAME: Final = "examples"
KEY_HEADER: Final = "Idempotency-Key"  # this studio and some services know it; the others ignore it
# What an endpoint may refuse, and what is sent instead; learned from its refusals, once per client.
_LEVELS: Final = ("json_schema", "json_object", "text")
# The variables that the services' own documentation names.
_KEY_HOSTS: Final[Mapping[str, tuple[str, ...]]] = {
    "OPENAI_API_KEY": ("api.openai.com",),
    "HF_TOKEN": ("router.huggingface.co",),
    "OPENROUTER_API_KEY": ("openrouter.ai",),
    "MISTRAL_API_KEY": ("api.mistral.ai",),
    "GROQ_API_KEY": ("api.groq.com",),
    "DEEPSEEK_API_KEY": ("api.deepseek.com",),
    "TOGETHER_API_KEY": ("api.together.ai", "api.together.xyz"),
    "FIREWORKS_API_KEY": ("api.fireworks.ai",),
    "NEBIUS_API_KEY": ("api.tokenfactory.nebius.com",),
    "CRUSOE_API_KEY": ("api.intelligence.crusoecloud.com",),
}


class OpenAiCompatible:
    """OpenAI itself, and vLLM, llama.cpp, LM Studio, LiteLLM, OpenRouter, ..."""

    id = "openai"
    title = "OpenAI-compatible"
    text = "OpenAI, or any server that speaks its protocol: vLLM, llama.cpp, LM Studio, LiteLLM, OpenRouter and others."
    needs_url = True
    needs_key = True
    default_url = "https://api.openai.com/v1"
    is_local = False
    bounds_text = False
    openai_path = ""
    key_hosts = _KEY_HOSTS

    def open(self, endpoint: Endpoint) -> Client:
        return OpenAiClient(endpoint)


class OpenAiClient:
    """One endpoint. What it refuses (schemas, the limit's name, a temperature) is remembered and not sent again."""

    def __init__(self, endpoint: Endpoint) -> None:
        import httpx2
        import openai

        self._endpoint = endpoint
        self._http = transport.make_client(httpx2, endpoint)
        self._client = openai.OpenAI(
            api_key="none",  # the transport sets the real key; an empty one would be read from the environment
            base_url=endpoint.base_url,
            http_client=self._http,
            max_retries=0,  # the studio retries itself, so that waiting is visible and can be stopped
            timeout=endpoint.timeout_s,
        )
        self._dialects: dict[str, _Dialect] = {}
        self._lock = threading.Lock()

    def models(self) -> list[str]:
        try:
            text = str(self._call(lambda: self._client.models.with_raw_response.list().http_response.text))
        except LlmError as error:
            if error.status in (404, 405, 501):
                return []
            raise
        try:
            data = json.loads(text)["data"]
            return sorted(str(model["id"]) for model in data)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _not_json(text) from None

    def shutdown_dates(self) -> dict[str, str]:
        """When models of the list are switched off, YYYY-MM-DD by their names; models without a date are left out."""
        text = str(self._call(lambda: self._client.models.with_raw_response.list().http_response.text))
        try:
            listed = json.loads(text)["data"]
            return {str(model["id"]): str(model["shutdown_date"]) for model in listed if model.get("shutdown_date")}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _not_json(text) from None

    def ask(self, ask: Ask) -> Completion:
        with self._lock:
            dialect = self._dialects.get(ask.model, _Dialect())
        while True:
            try:
                answer = self._ask(ask, dialect)
            except LlmError as error:
                easier = dialect.easier(error, ask)
                if easier is None:
                    raise
                dialect = easier
                continue
            with self._lock:
                self._dialects[ask.model] = dialect
            return answer

    def close(self) -> None:
        self._http.close()

    def _ask(self, ask: Ask, dialect: _Dialect) -> Completion:
        body = dialect.body(ask)
        headers = {KEY_HEADER: _key(ask.key, body)} if ask.key else None
        made = self._call(lambda: self._client.chat.completions.create(**body, extra_headers=headers))
        choices = getattr(made, "choices", None)
        if not isinstance(choices, list):
            raise _not_json(made)
        message = getattr(choices[0], "message", None) if choices else None
        if message is None:
            raise LlmError("The endpoint answered without a choice.", cause="broken")
        if refusal := getattr(message, "refusal", None):
            raise LlmError(f"The model refused: {words_of(refusal)[0]}", "Reword the instructions.", cause="refused")
        text = message.content if isinstance(message.content, str) else ""
        called = getattr(message, "tool_calls", None)
        calls = (call_of(getattr(call, "function", None)) for call in called) if isinstance(called, list) else ()
        usage = getattr(made, "usage", None)
        prompt, completion = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
        counted = isinstance(prompt, int) and isinstance(completion, int) and prompt >= 0 and completion >= 0
        return Completion(
            text=text,
            prompt_tokens=prompt if counted else estimated_tokens(ask.characters),  # type: ignore[arg-type]
            completion_tokens=completion if counted else estimated_tokens(len(text)),  # type: ignore[arg-type]
            finish_reason=str(getattr(choices[0], "finish_reason", None) or "stop"),
            calls=tuple(filter(None, calls)),
        )

    def _call(self, call: Any) -> Any:
        import httpx2
        import openai

        try:
            return call()
        except openai.APIStatusError as error:
            raise of_status(error.status_code, _body(error), error.response.headers, self._endpoint.key) from None
        except openai.APITimeoutError:
            raise timed_out(self._endpoint) from None
        except transport.AnswerTooLarge:
            raise too_large() from None
        except AddressRefused as error:
            raise connection_lost(self._endpoint, error) from None
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, transport.AnswerTooLarge):
                raise too_large() from None
            raise connection_lost(self._endpoint, error.__cause__) from None
        except (openai.APIError, httpx2.HTTPError, ValueError, RuntimeError, TypeError, AttributeError) as error:
            # a body that is not JSON, or JSON of another shape, or a client that was closed in the meantime
            raise LlmError(f"The answer cannot be read ({type(error).__name__}).", cause="broken") from None


class _Dialect:
    """The form of requests that one model of one endpoint accepts."""

    def __init__(self, level: int = 0, limit: str = "max_tokens", plain: frozenset[str] = frozenset()) -> None:
        self._level, self._limit, self._plain = level, limit, plain

    def body(self, ask: Ask) -> dict[str, Any]:
        body: dict[str, Any] = {"model": ask.model, self._limit: ask.max_tokens}
        body["messages"] = [dict(message) for message in ask.messages]
        if "temperature" not in self._plain:
            body["temperature"] = ask.temperature
        if ask.seed is not None and "seed" not in self._plain:
            body["seed"] = ask.seed
        if ask.tools:
            body["tools"] = [dict(tool) for tool in ask.tools]
        if ask.schema is not None:
            level = _LEVELS[self._level]
            if level == "json_schema":
                wanted = {"name": SCHEMA_NAME, "schema": dict(ask.schema), "strict": True}
                body["response_format"] = {"type": "json_schema", "json_schema": wanted}
            else:
                body["messages"] = ask.spelled_out()
                if level == "json_object":
                    body["response_format"] = {"type": "json_object"}
        return body

    def easier(self, error: LlmError, ask: Ask) -> _Dialect | None:
        """What to send after a refusal; None if it was about something else, or nothing simpler is left."""
        if error.status not in (400, 404, 415, 422, 501):
            return None
        detail = error.detail.lower()
        if "max_completion_tokens" in detail and self._limit == "max_tokens":
            return _Dialect(self._level, "max_completion_tokens", self._plain)
        for name in ("temperature", "seed"):
            if name in detail and name not in self._plain:
                return _Dialect(self._level, self._limit, self._plain | {name})
        is_about_format = any(
            word in detail for word in ("response_format", "schema", "json", "strict", "grammar", "guided")
        )
        vague = error.status in (400, 422, 501) and not detail
        if ask.schema is not None and self._level + 1 < len(_LEVELS) and (is_about_format or vague):
            return _Dialect(self._level + 1, self._limit, self._plain)
        return None


def call_of(function: Any) -> Call | None:
    """The call of a client's object with a name and arguments; None where it has no name."""
    name, arguments = getattr(function, "name", None), getattr(function, "arguments", None)
    if not isinstance(name, str) or not name:
        return None
    return name, arguments if isinstance(arguments, str) else json.dumps(dict(arguments or {}), ensure_ascii=False)


def _key(key: str, body: Mapping[str, Any]) -> str:
    """The key of a question in one form: after a refusal the body is another one, which needs another key."""
    return f"{key}-{hashlib.blake2b(json.dumps(body).encode(), digest_size=4).hexdigest()}"


def timed_out(endpoint: Endpoint) -> LlmError:
    return LlmError(f"No answer within {endpoint.timeout_s:g} seconds.", cause="timeout")


def too_large() -> LlmError:
    return LlmError(f"The answer is larger than {transport.MAX_ANSWER_BYTES:,} bytes.", cause="too_large")


def connection_lost(endpoint: Endpoint, cause: BaseException | None) -> LlmError:
    """The address is refused, nothing listens there, or the connection broke during an answer."""
    if isinstance(cause, AddressRefused):
        return LlmError(f"The address of the connection is refused: {cause}.", cause="address")
    kind = type(cause).__name__ if cause else ""
    if kind in ("RemoteProtocolError", "ReadError", "DecodingError"):
        return LlmError("The connection broke before the answer was complete.", cause="broken")
    host = ":".join(str(part) for part in transport.origin(endpoint.base_url)[1:] if part)
    return LlmError(f"The connection to {host} failed.", endpoint.start_remedy, cause="unreachable")


def _not_json(made: Any) -> LlmError:
    """A response with status 200 that is not a completion: a web page, an error, or something else."""
    if isinstance(made, str):
        what = "a web page" if looks_like_html(made) else "text that is not JSON"
        return LlmError(f"The endpoint answers with {what}.", cause="not_json")
    extra = getattr(made, "model_extra", None) or {}
    if extra.get("error"):
        return LlmError(f"The endpoint reports an error: {words_of(extra)[0]}", cause="server")
    return LlmError("The endpoint answers with JSON of another shape.", cause="not_json")


def _body(error: Any) -> Any:
    if error.body is not None:
        return error.body
    try:
        return str(error.response.text)
    except Exception:  # a body that was never read, or of an unknown encoding
        return ""
