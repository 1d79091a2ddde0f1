"""Every kind of client against a real HTTP server that misbehaves: a stable cause, no secrets, no hang."""

from __future__ import annotations

import json
import pickle
import time
from email.utils import formatdate

import pytest

from core.models.llm import CLIENTS, Ask, Endpoint, LlmError
from core.models.llm.failures import FAILURE_REMEDIES, clean, of_status, retry_after
from tests.support.llm_server import LlmServer, Reply, Request, llm_server, proper

KEY = "sk-secret-0123456789abcdef"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
REMOTE = ("openai", "ollama")


def client(server: LlmServer, kind: str, timeout_s: float = 10.0, key: str = KEY):
    url = server.ollama_url if kind == "ollama" else server.url
    return CLIENTS.get(kind).open(Endpoint(url, key, timeout_s))


def question(**values) -> Ask:
    content = "Say it.\n" + json.dumps({"row": {"x": "hello"}})
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": content})
    return Ask(**{"model": "tiny-1", "messages": messages, "schema": SCHEMA, "max_tokens": 50, **values})


def failure(behave, kind: str, timeout_s: float = 10.0) -> LlmError:
    with llm_server(behave) as server, pytest.raises(LlmError) as caught:
        client(server, kind, timeout_s).ask(question())
    error = caught.value
    assert KEY not in str(error)
    assert KEY not in error.detail
    assert error.remedy
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.cause, copy.status) == (str(error), error.cause, error.status)
    return error


def test_where_nothing_answers_the_remedy_is_about_the_server_that_was_asked(
    monkeypatch: pytest.MonkeyPatch, studio_env
) -> None:
    monkeypatch.setenv("SFT_INFERENCE_PORT", "9")  # nothing answers there
    remedies = {}
    for kind, url in (("studio", ""), ("openai", "http://127.0.0.1:9/v1")):
        with pytest.raises(LlmError) as caught:
            CLIENTS.get(kind).open(Endpoint(url)).models()
        remedies[kind] = caught.value.remedy
    assert "`sft up`" in remedies["studio"]
    assert remedies["openai"] == FAILURE_REMEDIES["unreachable"]


@pytest.mark.parametrize("kind", CLIENTS.ids())
def test_every_kind_of_client_describes_itself(kind: str, studio_env) -> None:
    entry = CLIENTS.get(kind)
    assert entry.id == kind
    assert entry.title
    assert entry.text.endswith(".")
    assert entry.default_url.startswith("http")


@pytest.mark.parametrize("kind", REMOTE)
def test_a_proper_answer(kind: str) -> None:
    with llm_server() as server:
        asked = client(server, kind)
        assert asked.models() == ["tiny-1", "tiny-2"]
        answer = asked.ask(question(temperature=0.5, seed=7))
        assert json.loads(answer.text) == {"a": "hello a"}
        assert (answer.prompt_tokens, answer.completion_tokens) == (100, 20)
        sent = server.chats[-1]
        assert sent.schema == SCHEMA
        assert sent.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("kind", REMOTE)
def test_tools_are_offered_and_calls_come_back(kind: str) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    called = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Ulm"}'}}
    asked = (
        {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": "", "tool_calls": [called]},
        {"role": "tool", "content": "Yes.", "tool_call_id": "call_1"},
    )
    with llm_server(lambda request: Reply(calls=(("weather", {"city": "Bonn"}),))) as server:
        answer = client(server, kind).ask(question(messages=asked, schema=None, tools=(tool,)))
        sent = server.chats[-1].body
    assert [(name, json.loads(arguments)) for name, arguments in answer.calls] == [("weather", {"city": "Bonn"})]
    assert sent["tools"][0]["function"]["name"] == "weather"
    (function,) = [call["function"] for call in sent["messages"][1]["tool_calls"]]
    assert function["arguments"] == ({"city": "Ulm"} if kind == "ollama" else '{"city": "Ulm"}')


@pytest.mark.parametrize("kind", REMOTE)
def test_without_a_key_none_is_sent(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OLLAMA_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "from-the-environment")
    with llm_server() as server:
        client(server, kind, key="").ask(question())
        assert not [name for name, value in server.requests[-1].headers.items() if "environment" in value]
        assert "authorization" not in server.requests[-1].headers


@pytest.mark.parametrize("kind", REMOTE)
def test_tokens_are_estimated_where_the_server_does_not_count(kind: str) -> None:
    with llm_server(lambda request: Reply('{"a": "12345678"}', usage=None)) as server:
        answer = client(server, kind).ask(question())
    assert answer.completion_tokens == 5


@pytest.mark.parametrize("kind", REMOTE)
@pytest.mark.parametrize(
    ("status", "cause", "retryable"),
    [
        (429, "rate_limited", True),
        (500, "server", True),
        (503, "server", True),
        (401, "key", False),
        (403, "key", False),
        (402, "quota", False),
        (404, "model", False),
        (400, "refused", False),
    ],
)
def test_every_status_has_its_cause(kind: str, status: int, cause: str, retryable: bool) -> None:
    body = json.dumps({"error": {"message": f"no, {KEY}\n\x1b[31mnot so", "code": "x"}}).encode()
    if kind == "ollama":
        body = json.dumps({"error": f"no, {KEY} not so"}).encode()
    error = failure(lambda request: Reply(status=status, raw=body), kind)
    assert (error.cause, error.retryable, error.status) == (cause, retryable, status)
    assert "not so" in error.message
    assert "\x1b" not in error.message


@pytest.mark.parametrize("kind", REMOTE)
def test_retry_after_is_read(kind: str) -> None:
    error = failure(lambda request: Reply(status=429, raw=b"{}", headers={"Retry-After": "7"}), kind)
    assert error.retry_after_s == 7


def test_retry_after_as_a_date_or_nonsense() -> None:
    now = time.time()
    assert retry_after({"Retry-After": formatdate(now + 60, usegmt=True)}, now) == pytest.approx(60, abs=1.5)
    assert retry_after({"retry-after": formatdate(now - 60, usegmt=True)}, now) == 0
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    for nonsense in ("soon", "-3", "nan", "inf", ""):
        assert retry_after({"retry-after": nonsense}) is None


@pytest.mark.parametrize("kind", REMOTE)
@pytest.mark.parametrize(
    ("reply", "causes"),
    [
        (Reply(raw=b"<!DOCTYPE html><html>login</html>", content_type="text/html"), {"not_json"}),
        (Reply(raw=b"<html>", content_type="application/json"), {"broken", "not_json"}),
        (Reply(raw=b'{"choices": [', content_type="application/json"), {"broken", "not_json"}),
        (Reply(raw=b'{"choices": [], "message": 3}'), {"broken", "not_json"}),
        (Reply(raw=b"[]"), {"broken", "not_json"}),
        (Reply(raw=b""), {"broken", "not_json"}),
        (Reply('{"a": "x"}', cut_at=40), {"broken"}),
    ],
)
def test_nonsense_is_told_apart_from_an_answer(kind: str, reply: Reply, causes: set[str]) -> None:
    error = failure(lambda request: reply, kind)
    assert error.cause in causes
    assert error.retryable


@pytest.mark.parametrize("kind", REMOTE)
def test_a_slow_answer_ends_in_time(kind: str) -> None:
    assert failure(lambda request: Reply("{}", wait_s=3), kind, timeout_s=0.3).cause == "timeout"


@pytest.mark.parametrize("kind", REMOTE)
def test_an_endless_answer_is_cut_off(kind: str) -> None:
    raw = json.dumps({"pad": "x" * 9_000_000}).encode()
    assert failure(lambda request: Reply(raw=raw), kind).cause == "too_large"


@pytest.mark.parametrize("kind", REMOTE)
def test_nobody_listens(kind: str) -> None:
    with llm_server() as server:
        asked = client(server, kind, 2.0)
    with pytest.raises(LlmError, match=r"The connection to 127\.0\.0\.1") as caught:
        asked.ask(question())
    assert caught.value.cause == "unreachable"


@pytest.mark.parametrize("kind", REMOTE)
def test_a_redirect_is_not_followed_and_gets_no_key(kind: str) -> None:
    with llm_server() as elsewhere:
        away = {"Location": f"{elsewhere.url}/chat/completions?token=1"}
        error = failure(lambda request: Reply(status=307, raw=b"", headers=away), kind)
        assert error.cause == "redirect"
        assert str(elsewhere.port) in error.message
        assert elsewhere.requests == []


def refusing(word: str, when):
    def behave(request: Request) -> Reply:
        if when(request):
            return Reply(status=400, raw=json.dumps({"error": {"message": f"{word} is not supported"}}).encode())
        return Reply('{"a": "yes"}')

    return behave


@pytest.mark.parametrize(
    ("word", "when"),
    [
        ("response_format json_schema", lambda r: (r.body.get("response_format") or {}).get("type") == "json_schema"),
        ("response_format", lambda r: "response_format" in r.body),
        ("max_tokens; use max_completion_tokens", lambda r: "max_tokens" in r.body),
        ("temperature", lambda r: "temperature" in r.body),
    ],
)
def test_what_an_endpoint_refuses_is_left_out_and_remembered(word: str, when) -> None:
    with llm_server(refusing(word, when)) as server:
        asked = client(server, "openai")
        assert json.loads(asked.ask(question()).text) == {"a": "yes"}
        before = len(server.chats)
        asked.ask(question())
        assert len(server.chats) == before + 1  # it is not tried again
        told = server.chats[-1].body["messages"][-1]["content"]
        assert ("schema" in told) == ("response_format" in word)


def test_an_old_ollama_gets_json_instead_of_a_schema() -> None:
    def behave(request: Request) -> Reply:
        if isinstance(request.body.get("format"), dict):
            return Reply(status=400, raw=b'{"error": "invalid format: expected string"}')
        return Reply('{"a": "yes"}')

    with llm_server(behave) as server:
        assert client(server, "ollama").ask(question()).text
        assert server.chats[-1].body["format"] == "json"
        assert server.chats[-1].body["options"]["num_ctx"] == 4096


def test_a_long_prompt_gets_a_window_that_holds_it() -> None:
    with llm_server(proper) as server:
        ask = question()
        long = {"role": "user", "content": "x " * 15_000 + '\n{"row": {}}'}
        client(server, "ollama").ask(Ask(ask.model, (long,), SCHEMA))
        assert server.chats[-1].body["options"]["num_ctx"] == 16_384


def test_a_refusal_of_the_model_is_no_answer() -> None:
    message = {"role": "assistant", "content": None, "refusal": "I cannot."}
    raw = json.dumps(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }
    )
    error = failure(lambda request: Reply(raw=raw.encode()), "openai")
    assert (error.cause, error.retryable) == ("refused", False)


def test_an_error_with_status_200_is_an_error() -> None:
    error = failure(lambda request: Reply(raw=b'{"error": {"message": "upstream is down"}}'), "openai")
    assert (error.cause, "upstream is down" in error.message) == ("server", True)


def test_foreign_words_are_cleaned() -> None:
    assert clean("bad key sk-abcdef123456 and\r\n\x00more \u202e") == "bad key ••• and more"
    assert len(clean("x" * 5_000)) == 301
    assert of_status(401, "Bearer abc.def.ghi refused", {}).message.count("abc") == 0
    assert set(FAILURE_REMEDIES) >= {"key", "stopped"}
    assert repr(Endpoint("http://x", "sk-1234")).count("1234") == 0


@pytest.mark.parametrize("ask", ["models", "shutdown_dates"])
def test_a_list_of_models_that_is_nested_too_deeply_is_not_json(ask: str) -> None:
    with (
        llm_server(lambda request: Reply(raw=b'{"data": ' + b"[" * 200_000)) as server,
        pytest.raises(LlmError) as caught,
    ):
        getattr(client(server, "openai"), ask)()
    assert caught.value.cause == "not_json"
