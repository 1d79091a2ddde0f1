"""`/v1/chat/completions` and `/v1/completions`: answered by the inference process, checked and limited here."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request

from api.platform.scopes import needs
from api.serving.relay import Relayed
from core.services.platform.api_keys import SERVE

router: Final = APIRouter(prefix="/v1", tags=["OpenAI: answers"], dependencies=[needs(SERVE)])


@router.post("/chat/completions", response_model=None)
async def chat(request: Request) -> Relayed:
    """An answer to a conversation, in one piece or as server-sent events."""
    return await _relayed(request)


@router.post("/completions", response_model=None)
async def text(request: Request) -> Relayed:
    """A model continues a text, without a chat template."""
    return await _relayed(request)


async def _relayed(request: Request) -> Relayed:
    found: Relayed = await request.app.state.relay.answer(request)
    return found
