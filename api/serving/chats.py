"""`/api/v1/chats`: conversations with models, as *Chat* shows them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from fastapi.responses import Response

from api.platform.records import Limit, records
from api.platform.scopes import needs
from api.serving.shapes import ChatChange, ChatInput, ChatPage, ChatShown
from core.services.platform.api_keys import READ, SERVE
from core.services.serving import conversations, served
from core.services.serving.chat import ChatOptions
from core.services.serving.conversations import AnswerChoice

router: Final = records("/api/v1/chats", "Chats")
_READING: Final = [needs(READ, SERVE)]
_SERVING: Final = [needs(SERVE)]


@router.get("", dependencies=_READING)
def list_chats(
    search: Annotated[str, Query(max_length=200)] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Limit = 20,
) -> ChatPage:
    """The conversations, the last changed first."""
    found, total = conversations.list_conversations(search, offset, limit)
    end = offset + len(found)
    return ChatPage(data=[ChatShown.of(one) for one in found], total=total, next=end if found and end < total else None)


@router.post("", dependencies=_SERVING, status_code=201)
def begin(asked: ChatInput) -> ChatShown:
    """Start a conversation; the answer is written on, and GET shows it as it grows."""
    return _sent(conversations.new_conversation_id(), asked)


@router.get("/{chat_id}", dependencies=_READING)
def get_chat(chat_id: str) -> ChatShown:
    """One conversation with all of its turns."""
    return ChatShown.of(conversations.get_conversation(chat_id))


@router.post("/{chat_id}/messages", dependencies=_SERVING)
def send(chat_id: str, asked: ChatInput) -> ChatShown:
    """Add an input, and let a model answer it."""
    conversations.get_conversation(chat_id)
    return _sent(chat_id, asked)


@router.post("/{chat_id}/stop", dependencies=_SERVING)
def stop(chat_id: str) -> ChatShown:
    """Stop the answer that is being written."""
    conversations.stop(conversations.get_conversation(chat_id).last_id)
    return ChatShown.of(conversations.get_conversation(chat_id))


@router.patch("/{chat_id}", dependencies=_SERVING)
def rename(chat_id: str, change: ChatChange) -> ChatShown:
    """Give a conversation another title."""
    return ChatShown.of(conversations.rename(chat_id, change.title))


@router.delete("/{chat_id}", dependencies=_SERVING, status_code=204)
def delete(chat_id: str) -> Response:
    """Delete a conversation."""
    conversations.get_conversation(chat_id)
    conversations.delete(chat_id)
    return Response(status_code=204)


def _sent(chat_id: str, asked: ChatInput) -> ChatShown:
    options = ChatOptions(max_tokens=asked.max_tokens, temperature=asked.temperature)
    choice = AnswerChoice(served.find(asked.model), asked.system, options)
    return ChatShown.of(conversations.send(chat_id, asked.text, choice, seen=asked.seen))
