"""Answers that follow a schema, from the real process with an untrained model."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema
import openai  # noqa: TID253  the client that the server is tested with
import pytest

from core.data.conversion.smart import answers, proposal
from tests.worker.inference.conftest import Served

ASK = [{"role": "user", "content": "Tell me."}]
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "kind": {"enum": ["cat", "dog"]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "minItems": 1, "maxItems": 3},
    },
    "required": ["name", "age", "kind", "tags"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def client(served: Served) -> openai.OpenAI:
    http = httpx.Client(trust_env=False)
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0, http_client=http)


def ask(client: openai.OpenAI, model: str, schema: dict[str, Any], **options: Any) -> tuple[Any, str]:
    """The parsed answer and the reason of its end."""
    options = {"max_tokens": 300, "temperature": 1.5, **options}
    wanted = {"type": "json_schema", "json_schema": {"name": "test", "schema": schema, "strict": True}}
    made = client.chat.completions.create(model=model, messages=ASK, response_format=wanted, **options)  # type: ignore[call-overload]
    choice = made.choices[0]
    return json.loads(choice.message.content or ""), choice.finish_reason


@pytest.mark.parametrize("seed", range(2))
def test_every_answer_follows_the_schema(client: openai.OpenAI, served: Served, seed: int) -> None:
    for model in (served.base, served.first, served.whole):
        content, _ = ask(client, model, PERSON, seed=seed)
        jsonschema.validate(content, PERSON)


def test_the_schemas_of_the_smart_mode(client: openai.OpenAI, served: Served) -> None:
    schema = answers.schema_for(2, 1, bounded=True)
    content, _ = ask(client, served.base, schema, max_tokens=400)
    jsonschema.validate(content, schema)
    assert len(answers.parse(json.dumps(content), ("a?", "b?"), 1)) <= 3
    columns = ("name", "a (b) c*", "цвет")
    schema = proposal.schema(columns, bounded=True)
    content, reason = ask(client, served.base, schema, max_tokens=450)
    jsonschema.validate(content, schema)
    if reason == "stop":
        assert proposal.check(json.dumps(content), columns).patterns


@pytest.mark.parametrize("limit", [2, 40])
def test_what_is_open_is_closed_before_the_tokens_run_out(client: openai.OpenAI, served: Served, limit: int) -> None:
    endless = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "more": {"type": "array", "items": {"type": "string"}}},
        "required": ["text"],
        "additionalProperties": False,
    }
    content, reason = ask(client, served.base, endless, max_tokens=limit + 20)
    jsonschema.validate(content, endless)
    assert reason in ("length", "stop")


def test_any_json_object(client: openai.OpenAI, served: Served) -> None:
    made = client.chat.completions.create(  # type: ignore[call-overload]
        model=served.base, messages=ASK, response_format={"type": "json_object"}, max_tokens=60, temperature=1, seed=3
    )
    assert isinstance(json.loads(made.choices[0].message.content), dict)


def test_a_schema_that_cannot_be_used_is_refused(client: openai.OpenAI, served: Served) -> None:
    for schema in ({"type": "nonsense"}, {"$ref": "#/nowhere"}, {"type": "string", "pattern": "("}):
        with pytest.raises(openai.BadRequestError, match="schema"):
            ask(client, served.base, schema)
    with pytest.raises(openai.BadRequestError, match="no complete value") as refused:
        ask(client, served.base, {"$ref": "#"})
    assert "<state>" not in refused.value.message
    with pytest.raises(openai.BadRequestError, match="longer"):
        ask(client, served.base, {"enum": ["x" * 70_000]})
    content, _ = ask(client, served.base, PERSON)  # and it answers as before
    jsonschema.validate(content, PERSON)
