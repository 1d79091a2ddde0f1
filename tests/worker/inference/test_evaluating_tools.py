"""Examples with tools in an evaluation: asked with their tools, and calls compared as calls."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import DataError
from core.messages import Example, Message
from core.services.data import datasets
from core.services.serving import evaluating
from core.services.serving.evaluating import EvaluationRecord, EvaluationSettings, contestants, questions
from core.serving.evaluations import store
from tests.support import calling_model, smart
from tests.support.calling_model import make_calling_model
from tests.support.llm_server import Reply, Request, llm_server
from tests.support.random_model import make_model
from tests.support.servers import free_port
from worker.run import execute

TOOLS = tuple(calling_model.TOOLS)


def call(**arguments: Any) -> Message:
    function = {"name": "weather", "arguments": json.dumps(arguments)}
    return Message("assistant", "", tool_calls=({"id": "call_1", "type": "function", "function": function},))


ASK = Message("user", calling_model.ASK)
CALLS = Example((ASK, call(**calling_model.ARGUMENTS)), tools=TOOLS)
OTHER = Example((ASK, call(city="Bonn")), tools=TOOLS)
RESULT = Message("tool", calling_model.RESULT, tool_call_id="call_1")
WORDS = Example((ASK, call(**calling_model.ARGUMENTS), RESULT, Message("assistant", calling_model.ANSWER)), tools=TOOLS)
PLAIN = Example((Message("user", "Say 1"), Message("assistant", "It is 1.")))


def test_a_model_behind_a_connection_gets_the_tools(studio_env: Path) -> None:
    def answers(request: Request) -> Reply:
        if not request.body.get("tools"):
            return Reply("It is 1.")
        if request.body["messages"][-1]["role"] == "tool":
            return Reply(status=400, raw=b'{"error": {"message": "this model does not support tools"}}')
        return Reply("I look it up.", calls=(("weather", {"city": "Ulm"}),))

    with llm_server(answers) as server:
        smart.connect(server.url, name="Elsewhere")
        done = evaluated("Elsewhere/tiny-1", PLAIN, CALLS, WORDS)
    assert [one.answer for one in store.answers(done.id)] == ["It is 1.", 'weather({"city": "Ulm"})', ""]
    assert [one.scores["exact_match"] for one in store.answers(done.id)] == [1, 1, 0]
    assert done.summary is not None
    assert (done.summary.models[0].answered, done.summary.models[0].failed) == (2, 1)


def evaluated(model: str, *asked: Example) -> EvaluationRecord:
    version = datasets.create_dataset("Weather", [PLAIN], test=[replace(one, split="test") for one in asked]).version.id
    settings = EvaluationSettings(main="exact_match")
    started = evaluating.start([model], version, metrics=["exact_match", "perplexity"], settings=settings)
    ended = execute(started.task_id, "test:1")
    assert ended is not None
    if ended.state != "succeeded":
        raise DataError(str(ended.error))
    return evaluating.get(started.id)


@pytest.fixture(autouse=True)
def own_port(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_INFERENCE_PORT", str(free_port()))  # the evaluation starts the process itself


def test_a_model_is_asked_with_its_tools_and_its_calls_are_compared(tmp_path: Path) -> None:
    base = make_calling_model(tmp_path / "base")
    done = evaluated(f"local:{base}", CALLS, WORDS, OTHER)
    assert done.summary is not None
    assert (done.summary.left_out, done.summary.models[0].answered) == (0, 3)
    answers = store.answers(done.id)
    assert [one.answer for one in answers] == [
        'weather({"city": "Ulm"})', calling_model.ANSWER, 'weather({"city": "Ulm"})',
    ]  # fmt: skip
    assert [one.scores["exact_match"] for one in answers] == [1, 1, 0]
    assert [one.finish_reason for one in answers] == ["tool_calls", "stop", "tool_calls"]
    sure, _, other = (one.logprob for one in answers)
    assert sure is not None
    assert other is not None
    assert sure > other  # the output is measured as the call that it is


def test_what_a_template_does_not_pass_on_is_left_out_and_counted(tmp_path: Path) -> None:
    model = contestants.find(f"local:{make_model(tmp_path / 'base')}")
    version = datasets.create_dataset("Weather", [PLAIN, CALLS, WORDS]).version.id
    asked, left_out = questions.of_dataset(version, "", None, [model])
    assert [one.text for one in asked] == ["Say 1"]
    (reason,) = left_out
    assert (reason.code, reason.count) == ("tools", 2)
    assert reason.text == f"tools are offered, but the chat template of {model.title} does not pass on tools"


def test_where_nothing_is_left_to_ask_the_reason_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not pass on tools"):
        evaluated(f"local:{make_model(tmp_path / 'base')}", CALLS, WORDS)
