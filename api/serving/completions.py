"""`/v1/chat/completions` and `/v1/completions`: answered by the inference process, checked and limited here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.platform.scopes import caller_of, needs
from api.serving.relay import Relayed, Try
from api.serving.tries import chat_tries
from core.errors import DataError
from core.services.platform.api_keys import SERVE

router: Final = APIRouter(prefix="/v1", tags=["OpenAI: answers"], dependencies=[needs(SERVE)])


def _json(asked: str) -> dict[str, Any]:
    """The description of a body that the inference process reads, and of its answer."""
    properties = {"model": {"type": "string"}, asked: {}, "stream": {"type": "boolean"}}
    schema = {"type": "object", "required": ["model", asked], "properties": properties}
    shapes = {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {"schema": {}}}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "The answer", "content": shapes}},
    }


@router.post("/chat/completions", response_model=None, openapi_extra=_json("messages"))
async def chat(request: Request) -> Relayed:
    """An answer to a conversation, in one piece or as server-sent events."""
    asked = _object(await request.body())
    tries = await run_in_threadpool(chat_tries, asked, request.headers, caller_of(request)) if asked else []
    return await _relayed(request, tries)


@router.post("/completions", response_model=None, openapi_extra=_json("prompt"))
async def text(request: Request) -> Relayed:
    """A model continues a text, without a chat template."""
    return await _relayed(request)


async def _relayed(request: Request, tries: Sequence[Try] = ()) -> Relayed:
    found: Relayed = await request.app.state.relay.answer(request, tries)
    return found


def _object(body: bytes) -> dict[str, Any]:
    """The body, if it is an object; the inference process says what is wrong with any other."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    except RecursionError:
        raise DataError("The body is nested too deep.", "Send the messages as a list of objects with text.") from None
    return found if isinstance(found, dict) else {}
