"""What is sent in place of a client's request: for an agent, and where the conversations of its key are recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from api.serving import connected_answer
from api.serving.agent_answers import Attempt, asks_agent, attempts, thread_of
from api.serving.observed import Observed
from api.serving.relay import Try
from core.errors import StudioError
from core.services.platform.api_keys import ApiKeyRecord
from core.services.serving import chat, connected, served
from core.services.serving.chat import ServedModel
from core.services.serving.recorded import recording
from core.services.serving.recorded.recording import RecordedRequest


def chat_tries(asked: Mapping[str, Any], headers: Mapping[str, str], key: ApiKeyRecord | None) -> list[Try]:
    """The requests to send, in order; [] where the client's own is sent as it is.

    Raises:
        NotFound: the agent does not exist, or none of its models can answer. DataError: a value is not possible.
    """
    thread = thread_of(asked, headers)
    if asks_agent(asked):
        return [_of_attempt(one, thread, key) for one in attempts(asked, thread)]
    there = served.only_there(str(asked.get("model", "")))
    if there is not None:
        body = {**asked, "model": there.id}
        return [_of_attempt(Attempt(chat.identity(there.id), body, {}), thread, key)]
    if key is None or not key.record_days:
        return []
    model = _served(str(asked.get("model", "")))
    if model is None:
        return []  # the inference process says what is wrong with the name
    observed = _observed({}, asked, model, thread, key)
    return [Try(_sent(asked, observed), observed=observed)]


def _of_attempt(one: Attempt, thread: str, key: ApiKeyRecord | None) -> Try:
    elsewhere = bool(connected.at_service(one.model.id))
    if elsewhere:
        connected_answer.check(one.body)
    source = partial(connected_answer.opened, one.body) if elsewhere else None
    observed = _observed(one.labels, one.body, one.model, thread, key)
    return Try(_sent(one.body, observed), one.headers, observed, source)


def _sent(body: Mapping[str, Any], observed: Observed) -> bytes:
    """The request; a stream that is recorded ends with the counts of tokens, which its client may not have wanted."""
    options = body.get("stream_options") or {}
    if observed.record is None or not body.get("stream") or not isinstance(options, dict):
        return json.dumps(body).encode()
    observed.hides_usage = not options.get("include_usage")
    return json.dumps({**body, "stream_options": {**options, "include_usage": True}}).encode()


def _observed(
    labels: Mapping[str, Any], body: Mapping[str, Any], model: ServedModel, thread: str, key: ApiKeyRecord | None
) -> Observed:
    if key is None or not key.record_days:
        return Observed(labels)
    names = ("max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "stop")
    messages = body.get("messages")
    request = RecordedRequest(
        key=key,
        thread=thread,
        messages=[one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else [],
        model=model,
        settings={name: body[name] for name in names if body.get(name) is not None},
        agent_id=str(labels.get("id", "")),
        agent_version=int(labels.get("version", 0)),
    )
    return Observed(labels, partial(recording.record, request))


def _served(name: str) -> ServedModel | None:
    with suppress(StudioError):
        return chat.identity(served.find(name))
    return None
