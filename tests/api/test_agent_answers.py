"""`agent:<handle>` as a model name: its system message, its split, its fallback, who answered; and recorded answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.platform.db.tables import CONVERSATIONS
from core.platform.db.uow import UnitOfWork
from core.services.platform import api_keys
from core.services.serving import agents, conversations
from core.services.serving.recorded import recording
from tests.support.talking import talking, tuned

CHAT = "/v1/chat/completions"


class Upstream(ThreadingHTTPServer):
    """Stands in for the inference process; it has no answer for the models in `broken`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[dict] = []
        self.broken: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        if body["model"] in self.server.broken:
            return self._send(503, "application/json", b'{"error": {"message": "It cannot be loaded."}}')
        usage = {"prompt_tokens": 7, "completion_tokens": 2}
        text = f"Answer {len(body['messages'])}"
        if not body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            whole = {"id": "x", "model": body["model"], "choices": [choice], "usage": usage}
            return self._send(200, "application/json", json.dumps(whole).encode())
        parts = [{"choices": [{"delta": {"content": part}}]} for part in (text[:3], text[3:])]
        parts.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        if (body.get("stream_options") or {}).get("include_usage"):
            parts.append({"choices": [], "usage": usage})
        lines = [f"data: {json.dumps(part)}\n\n" for part in parts]
        return self._send(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def upstream(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    server = Upstream()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(server.server_address[1]))
    with talking(monkeypatch):
        yield server
    server.shutdown()
    server.server_close()


def asked(*texts: str, **more) -> dict:
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts)]
    return {"model": "agent:support", "messages": messages, **more}


def test_an_agent_answers_and_says_who_did(client, upstream, tmp_path: Path) -> None:
    model = tuned(tmp_path / "one", "First")
    agents.create(name="Support", model=model.id, system="Be kind.", settings={"max_tokens": 64, "stop": ["###"]})
    answer = client.post(CHAT, json=asked("Hello?", temperature=0.5))
    assert answer.json()["choices"][0]["message"]["content"] == "Answer 2"
    assert answer.json()["agent"]["handle"] == "support"
    assert (answer.json()["agent"]["model"], answer.json()["agent"]["side"]) == (model.id, "first")
    assert (answer.headers["x-sft-agent"], answer.headers["x-sft-model"]) == ("support", model.id)
    sent = upstream.bodies[0]
    assert sent["messages"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello?"}]
    assert (sent["model"], sent["max_tokens"], sent["temperature"], sent["stop"]) == (model.id, 64, 0.5, ["###"])
    body = {
        "model": "agent:support",
        "messages": [{"role": "system", "content": "Use euros."}, *asked("Hi")["messages"]],
    }
    client.post(CHAT, json=body)
    assert upstream.bodies[1]["messages"][0] == {"role": "system", "content": "Be kind.\n\nUse euros."}
    names = [one["id"] for one in client.get("/v1/models").json()["data"]]
    assert "agent:support" in names
    assert client.get("/v1/models/agent:support").json()["base_model"] == model.id
    missing = client.post(CHAT, json={**asked("Hi"), "model": "agent:nobody"})
    assert (missing.status_code, "does not exist" in missing.json()["error"]["message"]) == (404, True)


def test_a_stream_names_the_agent_in_each_piece(client, upstream, tmp_path: Path) -> None:
    model = tuned(tmp_path / "one", "First")
    agents.create(name="Support", model=model.id)
    answer = client.post(CHAT, json=asked("Hello?", stream=True))
    *pieces, done = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert done == "[DONE]"
    found = [json.loads(piece) for piece in pieces]
    assert "".join(one["choices"][0]["delta"].get("content", "") for one in found) == "Answer 1"
    assert {one["agent"]["model"] for one in found} == {model.id}
    assert answer.headers["x-sft-agent-version"] == "1"


def test_a_conversation_keeps_its_side_and_a_broken_model_falls_back(client, upstream, tmp_path: Path) -> None:
    first, second = tuned(tmp_path / "one", "First"), tuned(tmp_path / "two", "Second")
    agent = agents.create(name="Support", model=first.id, split=(second.id, 0.5))

    def model_of(thread: str, text: str = "Hello?", **more) -> str:
        headers = {"X-Conversation-Id": thread} if thread else {}
        return client.post(CHAT, json=asked(text, **more), headers=headers).json()["agent"]["model"]

    sides = {thread: model_of(thread) for thread in map(str, range(12))}
    assert set(sides.values()) == {first.id, second.id}
    assert {thread: model_of(thread, "And then?") for thread in sides} == sides
    assert model_of("", metadata={"conversation_id": "3"}) == sides["3"]
    assert model_of("", user="3") == sides["3"]
    history = asked("A first question", "An answer", "A second question")
    alone, later = client.post(CHAT, json=asked("A first question")).json(), client.post(CHAT, json=history).json()
    assert alone["agent"]["model"] == later["agent"]["model"], "the first message identifies it"
    agents.update(agent.id, split=None, fallback=second.id)
    upstream.broken.add(first.id)
    fallen = client.post(CHAT, json=asked("Hello?")).json()["agent"]
    assert (fallen["model"], fallen["side"]) == (second.id, "fallback")
    upstream.broken.add(second.id)
    assert client.post(CHAT, json=asked("Hello?")).status_code == 503


def test_what_a_key_records(open_api, new_key, upstream, tmp_path: Path) -> None:
    model = tuned(tmp_path / "one", "First")
    agent = agents.create(name="Support", model=model.id, system="Be kind.")
    client = open_api(key=new_key("serve"))
    client.post(CHAT, json=asked("Not recorded"))
    (key,) = api_keys.list_keys()
    api_keys.set_recording(key.id, days=30)
    said = asked("My mail is ann@example.com", stream=True)
    shown = client.post(CHAT, json=said)
    assert "usage" not in shown.text, "the counts were not what the client asked for"
    client.post(CHAT, json=asked("My mail is ann@example.com", "Answer 2", "And now?"))
    client.post(CHAT, json={**asked("Directly"), "model": "First"})
    with UnitOfWork(write=False) as uow:
        rows = uow.execute(CONVERSATIONS.select().order_by(CONVERSATIONS.c.created_at)).all()
    talk, direct = (conversations.get_conversation(row.id) for row in rows)
    assert [turn.content for turn in talk.turns] == ["My mail is [EMAIL]", "Answer 2", "And now?", "Answer 4"]
    assert (talk.origin, talk.key_id, talk.agent_id, talk.system) == ("api", key.id, agent.id, "Be kind.")
    first = talk.turns[1]
    assert (first.model_name, first.agent_version, first.prompt_tokens, first.completion_tokens) == ("First", 1, 7, 2)
    assert (direct.agent_id, direct.turns[1].model_id) == ("", model.id)
    assert conversations.list_conversations() == ([], 0), "the list beside Chat has those of Chat"
    assert recording.forget_expired() == 0
    with UnitOfWork() as uow:
        uow.execute(CONVERSATIONS.update().where(CONVERSATIONS.c.id == talk.id).values(updated_at=0.0))
        uow.commit()
    api_keys.set_recording(key.id, days=7)
    assert recording.forget_expired() == 1
    api_keys.set_recording(key.id, days=0)
    client.post(CHAT, json=asked("No longer"))
    assert conversations.get_conversation(direct.id).turns
    with UnitOfWork(write=False) as uow:
        assert len(uow.execute(CONVERSATIONS.select()).all()) == 1
