"""A tuned model that only answers at its hosted service, asked over this studio's API: like any other, and paid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from core.platform.budgets import open_reservations
from core.services.platform import budgets, connections, spending
from core.services.serving import agents
from core.services.training.models import ModelRecord
from tests.support.llm_server import LlmServer, Reply, Request, llm_server
from tests.support.notebook import notebook, tuned_there

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server(lambda request: Reply("It is blue.", usage=(12, 4))) as running:
        yield running


@pytest.fixture
def model(studio_env: Path, tmp_path: Path, server: LlmServer) -> Iterator[ModelRecord]:
    with notebook(tmp_path / "notebook.json") as service:
        yield tuned_there(service, server.url)


def refuse(server: LlmServer, status: int, message: str, **headers: str) -> None:
    raw = json.dumps({"error": {"message": message}}).encode()
    server.behave = lambda request: Reply(raw=raw, status=status, headers=headers)


def test_it_is_listed_and_answers_by_id_name_and_slug(model: ModelRecord, server: LlmServer, client) -> None:
    listed = {one["id"]: one for one in client.get("/v1/models").json()["data"]}
    assert listed[model.id]["base_model"] == "small"
    assert client.get("/v1/models/items-there").json()["id"] == model.id
    for name in (model.id, "Items there", "items-there"):
        found = client.post(CHAT, json={"model": name, "messages": HELLO, "seed": 7}).json()
        assert found["choices"][0]["message"]["content"] == "It is blue."
        assert found["usage"] == {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16}
        assert "agent" not in found
    sent = server.chats[-1]
    assert (sent.body["model"], sent.body["seed"], sent.headers["authorization"]) == ("small:tuned", 7, "Bearer secret")


def test_it_streams_with_its_usage(model: ModelRecord, client: TestClient) -> None:
    body = {"model": model.id, "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    lines = [line for line in client.post(CHAT, json=body).text.splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert "".join(one["choices"][0]["delta"].get("content", "") for one in events[:-1]) == "It is blue."
    assert len(events) > 4
    assert events[-1]["usage"]["total_tokens"] == 16


def test_an_agent_answers_with_it(model: ModelRecord, client: TestClient) -> None:
    agents.create(name="Support", model=model.id)
    found = client.post(CHAT, json={"model": "agent:support", "messages": HELLO}).json()
    assert found["choices"][0]["message"]["content"] == "It is blue."
    assert found["agent"]["model"] == model.id


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "shown", "words"),
    [
        (401, 502, ("Cloud rejects its key (401): No such key.", "under Settings")),
        (404, 502, ("does not have the model “small:tuned” (404)", "switched off")),
        (402, 502, ("has no credit left (402)",)),
        (429, 429, ("rate limit of Cloud",)),
        (500, 502, ("Cloud failed (500)",)),
        (400, 502, ("refused the request (400)",)),
    ],
)
def test_what_the_service_refuses_is_said_in_its_words(
    model: ModelRecord, server: LlmServer, client, status: int, shown: int, words: tuple[str, ...], stream: bool
) -> None:
    refuse(server, status, "No such key.", **{"Retry-After": "7"})
    response = client.post(CHAT, json={"model": model.id, "messages": HELLO, "stream": stream})
    assert response.status_code == shown, response.text
    for text in words:
        assert text in response.json()["error"]["message"]
    if shown == 429:
        assert response.headers["retry-after"] == "7"


def test_a_service_that_is_down_is_named(model: ModelRecord, server: LlmServer, client: TestClient) -> None:
    server.close()
    response = client.post(CHAT, json={"model": model.id, "messages": HELLO})
    assert response.status_code == 503
    assert "Cloud is not responding" in response.json()["error"]["message"]


def test_what_is_not_passed_on_is_refused(model: ModelRecord, server: LlmServer, client: TestClient) -> None:
    tools = [{"type": "function", "function": {"name": "now"}}]
    response = client.post(CHAT, json={"model": model.id, "messages": HELLO, "tools": tools})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "tools")
    assert server.chats == []
    text = client.post("/v1/completions", json={"model": model.id, "prompt": "Hello"})
    assert text.status_code >= 400


def priced(model: ModelRecord) -> None:
    assert model.hosted is not None
    there = connections.get(model.hosted.connection_id)
    connections.save(
        id=there.id, name=there.name, kind=there.kind, base_url=there.base_url, training=there.training,
        prices={"*": {"input": 1_000, "output": 10_000}},
    )  # fmt: skip


def test_its_answers_are_reserved_and_billed_as_one_row_a_day(open_api, new_key, model, server) -> None:
    client = open_api(key=new_key("serve"))
    priced(model)
    at_work: list[float] = []

    def behave(request: Request) -> Reply:
        at_work.append(sum(one.amount_usd for one in open_reservations() if one.kind == "answers"))
        return Reply("It is blue.", usage=(12, 4))

    server.behave = behave
    for _ in range(3):
        body = {"model": model.id, "messages": HELLO, "max_tokens": 10}
        assert client.post(CHAT, json=body).status_code == 200
    assert min(at_work) >= 10 * 0.01
    (work,) = (one for one in spending.spending().works if one.kind == "answers")
    assert (work.kind, work.title, work.provider) == ("answers", "Answers of “Items there”", "Cloud")
    assert work.person == "Test"
    assert work.spent_usd == pytest.approx(3 * (12 * 0.001 + 4 * 0.01))
    assert open_reservations() == []


def test_a_budget_stops_its_answers_until_a_reason_is_given(model, server, client: TestClient) -> None:
    budgets.set_budget("answers", 1)
    body = {"model": model.id, "messages": HELLO, "max_tokens": 10}
    unknown = client.post(CHAT, json=body)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (402, "budget_reached")
    assert "cost is not known" in unknown.json()["error"]["message"]
    priced(model)
    assert client.post(CHAT, json=body).status_code == 200
    dear = {**body, "max_tokens": 1_000}
    assert "does not cover" in client.post(CHAT, json={**dear, "stream": True}).json()["error"]["message"]
    assert len(server.chats) == 1
    made = client.post(CHAT, json=dear, headers={"Budget-Override-Reason": "The customer waits."})
    assert made.status_code == 200
    (beyond,) = spending.overrides()
    assert (beyond.override_reason, beyond.state) == ("The customer waits.", "settled")
    assert beyond.spent_usd == pytest.approx(12 * 0.001 + 4 * 0.01)


def test_an_answer_that_breaks_off_costs_what_arrived(model, server, client: TestClient) -> None:
    priced(model)
    event = json.dumps({"choices": [{"delta": {"content": "It is blue and" * 4}}]})
    server.behave = lambda request: Reply(
        raw=f"data: {event}\n\n".encode() + b"x" * 500, cut_at=len(event) + 8, content_type="text/event-stream"
    )
    client.post(CHAT, json={"model": model.id, "messages": HELLO, "stream": True})
    (work,) = (one for one in spending.spending().works if one.kind == "answers")
    assert 0 < (work.spent_usd or 0) < work.amount_usd
    assert open_reservations() == []
