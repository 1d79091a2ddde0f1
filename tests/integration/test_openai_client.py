"""OpenAI's own client against a running studio: models, answers, files, a fine-tuned starter, and an answer of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai  # noqa: TID253  the client that the API is tested with
import psutil
import pytest

from tests.e2e.harness import Studio
from tests.support.calling_model import ANSWER, ARGUMENTS, ASK as WEATHER, RESULT, TOOLS, make_calling_model
from tests.support.second_studio import second_studio

ASK = [{"role": "user", "content": "What is the code of item 7?"}]
FACTS = "\n".join(
    json.dumps(
        {
            "messages": [
                {"role": "user", "content": f"What is the code of item {n}?"},
                {"role": "assistant", "content": f"The code of item {n} is blue-{n}."},
            ]
        }
    )
    for n in range(16)
)


@dataclass(frozen=True)
class Api:
    """A studio with a key, and a client that has it."""

    studio: Studio
    url: str
    key: str
    client: openai.OpenAI


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, starter: Path) -> Iterator[Api]:
    with second_studio(tmp_path_factory.mktemp("api") / "data", starter) as other:
        http = httpx.Client(trust_env=False)
        client = openai.OpenAI(base_url=other.url, api_key=other.key, http_client=http)
        yield Api(other.studio, other.url.removesuffix("/v1"), other.key, client)


def test_models_answers_streams_and_schemas(api: Api) -> None:
    assert "starter" in [model.id for model in api.client.models.list()]
    whole = api.client.chat.completions.create(model="starter", messages=ASK, max_tokens=12, logprobs=True, n=2)
    assert whole.usage
    assert whole.usage.completion_tokens > 0
    assert [choice.index for choice in whole.choices] == [0, 1]
    text = whole.choices[0].message.content
    options = {"include_usage": True}
    stream = api.client.chat.completions.create(
        model="starter", messages=ASK, max_tokens=12, stream=True, stream_options=options
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    assert chunks[-1].usage
    schema = {
        "type": "object",
        "properties": {"state": {"enum": ["open", "closed"]}},
        "required": ["state"],
        "additionalProperties": False,
    }
    shaped = api.client.chat.completions.create(
        model="starter",
        messages=ASK,
        max_tokens=40,
        response_format={"type": "json_schema", "json_schema": {"name": "state", "schema": schema}},
    )
    assert json.loads(shaped.choices[0].message.content)["state"] in ("open", "closed")
    assert api.client.completions.create(model="starter", prompt="The", max_tokens=4).choices[0].text is not None


def test_tools_reach_the_template_or_are_refused_by_name(api: Api) -> None:
    function = {"name": "code", "parameters": {"type": "object", "properties": {"item": {"type": "integer"}}}}
    with pytest.raises(openai.BadRequestError, match="template of Starter does not pass on tools"):
        api.client.chat.completions.create(
            model="starter", messages=ASK, tools=[{"type": "function", "function": function}], max_tokens=8
        )


def test_a_tool_is_called_and_its_result_is_read_complete_and_streamed(api: Api) -> None:
    base = f"local:{make_calling_model(api.studio.data_dir / 'base_models' / 'caller')}"
    asked: dict[str, Any] = {"model": base, "tools": TOOLS, "max_tokens": 120, "temperature": 0}
    question = {"role": "user", "content": WEATHER}
    create = api.client.chat.completions.create
    (choice,) = create(messages=[question], **asked).choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", ARGUMENTS)

    chunks = [chunk.choices[0] for chunk in create(messages=[question], stream=True, **asked)]
    assert chunks[-1].finish_reason == "tool_calls"
    assert "".join(chunk.delta.content or "" for chunk in chunks) == ""
    (streamed,) = [part for chunk in chunks for part in chunk.delta.tool_calls or ()]
    assert (streamed.index, streamed.function.name) == (0, "weather")
    assert streamed.function.arguments == call.function.arguments

    returned = {"role": "tool", "tool_call_id": call.id, "content": RESULT}
    history = [question, choice.message.model_dump(exclude_none=True), returned]
    assert create(messages=history, **asked).choices[0].message.content == ANSWER
    pieces = [chunk.choices[0].delta.content or "" for chunk in create(messages=history, stream=True, **asked)]
    assert "".join(pieces) == ANSWER
    assert len(pieces) > 2


def test_errors_are_the_clients_own(api: Api) -> None:
    other = api.client.with_options(max_retries=0)
    with pytest.raises(openai.NotFoundError, match="/v1/models lists"):
        other.chat.completions.create(model="nothing", messages=ASK)
    with pytest.raises(openai.AuthenticationError):
        other.with_options(api_key="sft_wrongwro_ng").models.list()
    with pytest.raises(openai.BadRequestError, match="messages"):
        other.chat.completions.create(model="starter", messages=[])


def test_a_file_is_fine_tuned_followed_and_asked(api: Api) -> None:
    client = api.client
    file = client.files.create(file=("codes.jsonl", FACTS.encode()), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="starter",
        training_file=file.id,
        suffix="Codes of items",
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 40}}},
        seed=1,
    )
    assert job.status in ("queued", "validating_files", "running")
    events: list[str] = []
    with client.fine_tuning.jobs.with_streaming_response.list_events(job.id, extra_query={"stream": True}) as answer:
        for line in answer.iter_lines():
            if line == "data: [DONE]":
                break
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: "))["type"])
    assert {"message", "metrics"} <= set(events)
    done = client.fine_tuning.jobs.retrieve(job.id)
    assert (done.status, done.error) == ("succeeded", None)
    assert client.files.retrieve(file.id).status == "processed"
    assert [event.type for event in client.fine_tuning.jobs.list_events(job.id, limit=5).data]
    assert client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert job.id in [listed.id for listed in client.fine_tuning.jobs.list(limit=1)]
    assert done.fine_tuned_model
    for name in (done.fine_tuned_model, "codes-of-items"):
        answer = client.chat.completions.create(model=name, messages=ASK, max_tokens=24)
        assert "blue-7" in str(answer.choices[0].message.content)


def test_an_inference_process_that_is_killed_ends_a_stream_and_comes_back(api: Api) -> None:
    stream = api.client.chat.completions.create(
        model="starter", messages=[{"role": "user", "content": "Count."}], max_tokens=2_000, stream=True, temperature=2
    )
    next(iter(stream))
    for process in psutil.Process(api.studio.process.pid).children(recursive=True):
        if "worker.inference" in process.cmdline():
            process.kill()
    with pytest.raises(openai.APIError, match="ended before the answer was complete"):
        for _ in stream:
            pass
    again = api.client.chat.completions.create(model="starter", messages=ASK, max_tokens=2)
    assert again.choices[0].finish_reason


SCRIPT = """
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.env.API}/v1`, apiKey: process.env.SFT_KEY, maxRetries: 0 });
const found = { models: [], streamed: "", refused: 0 };
for await (const model of client.models.list()) found.models.push(model.id);
const asked = { model: "starter", messages: [{ role: "user", content: "What is item 7?" }], max_tokens: 24 };
const answer = await client.chat.completions.create(asked);
found.text = answer.choices[0].message.content;
for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
  found.streamed += chunk.choices[0]?.delta?.content ?? "";
const schema = { type: "object", properties: { urgent: { type: "boolean" } }, required: ["urgent"] };
const json_schema = { name: "ticket", strict: true, schema: { ...schema, additionalProperties: false } };
const typed = await client.chat.completions.create({ ...asked, response_format: { type: "json_schema", json_schema } });
found.urgent = typeof JSON.parse(typed.choices[0].message.content).urgent;
try {
  await client.chat.completions.create({ ...asked, model: "nobody" });
} catch (error) {
  found.refused = error.status;
}
console.log(JSON.stringify(found));
"""


@pytest.mark.slow
def test_the_javascript_client_does_the_same(api: Api, tmp_path: Path) -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node and npm are not installed.")
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    install_it = ["npm", "install", "--no-audit", "--no-fund", "openai@6"]
    if subprocess.run(install_it, cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("npm could not install the package openai.")
    (tmp_path / "client.mjs").write_text(SCRIPT)
    env = {**os.environ, "API": api.url, "SFT_KEY": api.key}
    ran = subprocess.run(["node", "client.mjs"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert "starter" in found["models"]
    assert found["text"] == found["streamed"] != ""
    assert (found["urgent"], found["refused"]) == ("boolean", 404)
