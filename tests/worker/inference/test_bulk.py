"""Many questions in one request, and requests with a key, at the real process."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.messages import Message
from core.services.platform import api_keys
from tests.support.servers import wait_until
from tests.worker.inference.conftest import Served, api_process
from worker.inference.prompts import prepare_for
from worker.inference.served_models import find

COUNT = 60  # more than advance together


@pytest.fixture
def http(at_the_studio: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=at_the_studio.url, timeout=300, trust_env=False) as client:
        yield client


def figures(http: httpx.Client) -> dict[str, Any]:
    return dict(http.get("/health").json())


def added(http: httpx.Client, before: dict[str, Any], name: str) -> int:
    return int(figures(http)[name]) - int(before[name])


def text_of(number: int) -> str:
    return f"What is item {number}{'?' * (number % 5)}"


def bulk(model: str, prefix: str, count: int = COUNT, tokens: int = 12) -> dict[str, Any]:
    served = find(model)
    asked = [
        {"key": f"{prefix} {at}", "ids": prepare_for(served, [Message("user", text_of(at))]).ids, "max_tokens": tokens}
        for at in range(count)
    ]
    return {"model": model, "questions": asked}


def lines(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {one["key"]: one for one in map(json.loads, answer.text.splitlines())}


def chat_body(model: str, number: int = 7, **more: Any) -> dict[str, Any]:
    asked = [{"role": "user", "content": text_of(number)}]
    return {"model": model, "messages": asked, "max_tokens": 12, "temperature": 0, **more}


def test_the_answers_are_those_of_chats(http: httpx.Client, at_the_studio: Served) -> None:
    for model in (at_the_studio.base, at_the_studio.first):
        before = figures(http)
        found = lines(http.post("/bulk", json=bulk(model, "same")))
        assert len(found) == COUNT
        assert added(http, before, "generations") == added(http, before, "answered") == COUNT
        for number in (0, 7, 13, COUNT - 1):
            said = http.post("/v1/chat/completions", json=chat_body(model, number)).json()
            line = found[f"same {number}"]
            assert line["text"] == said["choices"][0]["message"]["content"]
            assert line["finish_reason"] == said["choices"][0]["finish_reason"]
            assert (line["prompt_tokens"], line["tokens"]) == (
                said["usage"]["prompt_tokens"],
                said["usage"]["completion_tokens"],
            )
            assert line["seconds"] > 0
        http.delete("/bulk", params={"prefix": "same"})


def test_a_client_that_left_gets_what_was_under_way(http: httpx.Client, at_the_studio: Served) -> None:
    before = figures(http)
    body = bulk(at_the_studio.base, "left", tokens=40)
    with http.stream("POST", "/bulk", json=body) as answer:
        next(answer.iter_lines())
    wait_until(lambda: figures(http)["open"] == 0, 60, "the end of what was begun")
    begun = added(http, before, "generations")
    assert 0 < begun == added(http, before, "answered")
    found = lines(http.post("/bulk", json=body))
    assert len(found) == COUNT
    assert added(http, before, "generations") == COUNT
    assert added(http, before, "joined") == begun
    assert lines(http.post("/bulk", json=body)) == found
    http.delete("/bulk", params={"prefix": "left"})
    assert added(http, before, "generations") == COUNT
    http.post("/bulk", json=bulk(at_the_studio.base, "left", 3))
    assert added(http, before, "generations") == COUNT + 3, "the end of an evaluation forgets its answers"


def test_an_answer_follows_its_schema_and_errors_belong_to_their_question(
    http: httpx.Client, at_the_studio: Served
) -> None:
    body = bulk(at_the_studio.base, "schema", 2, tokens=60)
    body["questions"][0]["answer_schema"] = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}
    body["questions"][1]["answer_schema"] = {"type": "nothing"}
    found = lines(http.post("/bulk", json=body))
    assert json.loads(found["schema 0"]["text"])["a"] in (1, 2)
    assert "nothing" in found["schema 1"]["error"]["message"]


def test_a_model_that_does_not_exist_is_named(http: httpx.Client) -> None:
    refused = http.post("/bulk", json={"model": "no-such-model", "questions": []})
    assert refused.status_code == 404
    assert "no-such-model" in refused.json()["error"]["message"]
    assert http.post("/bulk", json={"questions": [{"key": "a"}]}).status_code == 400


def test_likelihoods_are_measured_once(http: httpx.Client, at_the_studio: Served) -> None:
    ids = prepare_for(find(at_the_studio.first), [Message("user", text_of(1))]).ids
    outputs = [
        {
            "key": f"out {at}",
            "ids": [*ids, *[20 + at] * (at + 1)],
            "labels": [*[-100] * len(ids), *[20 + at] * (at + 1)],
        }
        for at in range(20)
    ]
    before = figures(http)
    body = {"model": at_the_studio.first, "outputs": outputs}
    found = lines(http.post("/bulk", json=body))
    assert [found[f"out {at}"]["tokens"] for at in range(20)] == list(range(1, 21))
    assert all(one["logprob"] < 0 and math.isfinite(one["logprob"]) for one in found.values())
    assert lines(http.post("/bulk", json=body)) == found
    assert added(http, before, "measured") == 20


def test_a_chat_with_a_key_is_answered_once(http: httpx.Client, at_the_studio: Served) -> None:
    before = figures(http)
    body, key = chat_body(at_the_studio.first, n=2, seed=3) | {"temperature": 1.0}, {"Idempotency-Key": "one"}
    first, second = (http.post("/v1/chat/completions", json=body, headers=key) for _ in range(2))
    assert first.json()["choices"] == second.json()["choices"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    streamed = http.post("/v1/chat/completions", json={**body, "stream": True}, headers=key).text
    texts = ["", ""]
    for event in streamed.strip().split("\n\n")[:-1]:
        for choice in json.loads(event.removeprefix("data: "))["choices"]:
            texts[choice["index"]] += choice["delta"].get("content") or ""
    assert texts == [choice["message"]["content"] for choice in first.json()["choices"]]
    assert added(http, before, "generations") == 2
    refused = http.post("/v1/chat/completions", json=chat_body(at_the_studio.first, 8), headers=key)
    assert refused.status_code == 409
    assert http.post("/v1/chat/completions", json=body, headers={"Idempotency-Key": "k" * 201}).status_code == 400
    assert figures(http)["open"] == 0


def test_a_key_through_the_api_belongs_to_the_api_key_that_sent_it(http: httpx.Client, at_the_studio: Served) -> None:
    mine, other = (api_keys.create(name=name, scopes=["serve"], days=None).key for name in ("Mine", "Other"))
    before, body = figures(http), chat_body(at_the_studio.first, 3)
    with api_process() as url, httpx.Client(base_url=url, timeout=300, trust_env=False) as api:

        def ask(key: str, **more: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "once"}
            return api.post("/v1/chat/completions", json={**body, **more}, headers=headers)

        first, second, third = ask(mine), ask(mine), ask(other)
        assert first.json()["choices"] == second.json()["choices"] == third.json()["choices"]
        assert [one.headers.get("idempotent-replayed") for one in (first, second, third)] == [None, "true", None]
        assert added(http, before, "generations") == 2
        assert ask(mine, max_tokens=3).status_code == 409
