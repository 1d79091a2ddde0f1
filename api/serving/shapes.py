"""Conversations as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from api.platform.records import Shown
from core.services.serving.chat import ChatOptions
from core.services.serving.recorded.talks import TalkRecord


class TurnShown(Shown):
    """An input, or an answer with what produced it. `state` of an answer that is being written: running."""

    id: str
    role: str
    content: str
    state: str
    model_id: str
    model_name: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    error: dict[str, Any]
    created_at: float


class ChatShown(Shown):
    """A conversation; `agent_id` is "" where a model was asked directly."""

    id: str
    title: str
    agent_id: str
    model_id: str
    system: str
    revision: int
    turns: list[TurnShown]
    created_at: float
    updated_at: float


class ChatPage(BaseModel):
    data: list[TalkRecord]
    total: int
    next: int | None = Field(description="`offset` of the next page")


class ChatInput(BaseModel):
    """An input, and which model or agent answers it; an agent has its own system message and settings."""

    text: str = Field(min_length=1, max_length=1_000_000)
    model: str = Field(min_length=1, max_length=500, description="name or id of a model, or agent:HANDLE")
    system: str = Field(default="", max_length=100_000)
    max_tokens: int = Field(default=ChatOptions().max_tokens, ge=1, le=100_000)
    temperature: float = Field(default=0.0, ge=0, le=2)
    seen: str = Field(default="", max_length=100, description="the id of the last turn that was read")


class ChatChange(BaseModel):
    title: str = Field(max_length=200)
