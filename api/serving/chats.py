"""`/api/v1/chats`: conversations with models, as *Chat* shows them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query
from fastapi.responses import Response

from api.platform.records import Limit, records
from api.platform.scopes import needs
from api.serving.shapes import ChatChange, ChatInput, ChatPage, ChatShown
from core.errors import DataError
from core.services.platform.api_keys import READ, SERVE
from core.services.serving import agents, conversations, served
from core.services.serving.chat import ChatOptions
from core.services.serving.conversations import AnswerChoice
from core.services.serving.recorded import talks
from core.services.serving.recorded.talks import TalksAsked

router: Final = records("/api/v1/chats", "Chats")
_READING: Final = [needs(READ, SERVE)]
_SERVING: Final = [needs(SERVE)]


def _name(text: str) -> Any:
    return Query(max_length=300, description=text)


@router.get("", dependencies=_READING)
def list_chats(
    search: Annotated[str, Query(max_length=200, description="words of the title or of one message")] = "",
    agent: Annotated[str, _name("name, handle or id of an agent; none: a model was asked directly")] = "",
    model: Annotated[str, _name("name or id of the model that answered last")] = "",
    rating: Annotated[str, _name("good, bad, mixed or none")] = "",
    reason: Annotated[str, _name("the id of a reason that a vote has, such as incorrect")] = "",
    origin: Annotated[str, _name("chat, or api for those of programs")] = "",
    since: Annotated[float | None, Query(description="Unix seconds: last changed then or later")] = None,
    until: Annotated[float | None, Query(description="Unix seconds: last changed earlier than this")] = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Limit = 20,
) -> ChatPage:
    """The conversations of Chat and of programs, the last changed first."""
    asked = TalksAsked(search, agent, model, rating, reason, origin, since, until)
    found, total = talks.find(asked, offset, limit)
    end = offset + len(found)
    return ChatPage(data=found, total=total, next=end if found and end < total else None)


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
    return ChatShown.of(conversations.send(chat_id, asked.text, _choice(asked), seen=asked.seen))


def _choice(asked: ChatInput) -> AnswerChoice:
    """Raises NotFound: the agent or the model; DataError: settings that an agent has itself."""
    if asked.model.startswith(agents.PREFIX):
        own = {"system", "max_tokens", "temperature"} & asked.model_fields_set
        if own:
            text = f"An agent has its own settings; got {', '.join(sorted(own))}."
            raise DataError(text, "Leave them out, or change the agent.", field=min(own))
        return AnswerChoice("", agent_id=agents.get_agent(asked.model).id)
    options = ChatOptions(max_tokens=asked.max_tokens, temperature=asked.temperature)
    return AnswerChoice(served.find(asked.model), asked.system, options)
