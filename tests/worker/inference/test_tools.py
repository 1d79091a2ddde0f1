"""Tools in a request: passed to the template, and the model's calls come back in OpenAI's shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.models import base_models
from core.models.base_models.starter import CHAT_TEMPLATE
from tests.support.random_model import make_model
from tests.worker.inference.test_thinking import dictate
from worker.inference import prompts
from worker.inference.app import make_app
from worker.inference.engine import InferenceEngine
from worker.inference.served_models import Served
from worker.inference.weights import Loaded
from worker.training.model_files import load_model, load_tokenizer

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
ASK = [{"role": "user", "content": "Rain?"}]
TEMPLATE = (
    "{%- for tool in tools or [] -%}{{ tool | tojson }}<tool_call>{%- endfor -%}"
    "{%- for message in messages -%}{{ message['role'] + ': ' + message['content'] }}<|end|>{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'assistant: ' }}{%- endif -%}"
)


@pytest.fixture
def client(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The application on a model that writes what it is told to; `client.say` sets that."""
    directory = make_model(studio_env / "base_models" / "random")
    (directory / "chat_template.jinja").write_text(TEMPLATE)
    base = base_models.resolve(f"local:{directory}")
    monkeypatch.setattr(prompts, "find", lambda model_id, engine: Served(base.id, "Random", base, None, False, 0.0))
    tokenizer = load_tokenizer(directory)

    class Loader:
        names = ()
        text = ""  # what the model writes

        def get(self, served: Served, busy: set[int], *, bulk: bool = False) -> tuple[Loaded, None]:
            model = load_model(directory).eval()
            dictate(model, [*tokenizer(self.text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id])
            return Loaded(model, tokenizer), None

    loader = Loader()
    loader.directory = directory  # type: ignore[attr-defined]
    monkeypatch.setattr(InferenceEngine, "_ready", lambda self: loader)
    with TestClient(make_app(), base_url="http://127.0.0.1") as client:
        client.loader = loader  # type: ignore[attr-defined]
        yield client


def ask(client: Any, says: str, **body: Any) -> Any:
    client.loader.text = says
    return client.post("/v1/chat/completions", json={"model": "m", "messages": ASK, "tools": TOOLS, **body})


def test_a_call_comes_back_in_openais_shape(client: Any) -> None:
    says = 'I look it up. <tool_call>{"name": "weather", "arguments": {"city": "Ulm"}}</tool_call>'
    (choice,) = ask(client, says).json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "I look it up. "
    (call,) = choice["message"]["tool_calls"]
    assert call["type"] == "function"
    assert call["function"] == {"name": "weather", "arguments": '{"city": "Ulm"}'}
    assert call["id"].startswith("call_")


def test_a_streamed_call_is_one_event(client: Any) -> None:
    says = '<tool_call>{"name": "weather"}</tool_call><tool_call>{"name": "weather"}</tool_call>'
    lines = ask(client, says, stream=True).text.splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    deltas = [event["choices"][0]["delta"] for event in events]
    (called,) = [delta["tool_calls"] for delta in deltas if "tool_calls" in delta]
    assert [call["index"] for call in called] == [0, 1]
    assert "".join(delta.get("content", "") for delta in deltas) == ""
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_the_template_reads_the_tools_only_where_they_are_offered(client: Any) -> None:
    counts = [
        ask(client, "No.", **more).json()["usage"]["prompt_tokens"]
        for more in ({}, {"tool_choice": "none"}, {"tools": None})
    ]
    assert counts[0] > counts[1] == counts[2]
    assert ask(client, "No.").json()["choices"][0]["message"]["content"] == "No."


def test_tools_that_the_model_would_never_read_are_refused(client: Any) -> None:
    (client.loader.directory / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    error = ask(client, "No.").json()["error"]
    assert (error["code"], error["param"]) == ("tools", "tools")
