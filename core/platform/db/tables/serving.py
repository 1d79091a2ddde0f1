"""Tables of serving: where models are published, and what they answered."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from core.platform.db.tables.columns import json_object, text


class Deployment(SQLModel, table=True):
    """A model that is published on a target."""

    __tablename__ = "deployments"
    __table_args__ = (UniqueConstraint("model_id", "target", "address"),)
    id: str = Field(primary_key=True)
    model_id: str = Field(foreign_key="fine_tuned_models.id", index=True)
    target: str  # an id in core.serving.targets.TARGETS
    address: str = ""  # of the server; "" for what runs in the studio
    name: str = ""  # of the model there
    route: str = text()  # how it got there, as text
    details: dict[str, Any] = json_object()  # the target's own: paths, digests, measured speeds
    smoke: dict[str, Any] = json_object()  # the smoke test (core.serving.deployments.records.SmokeTest)
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)


class ChatConversation(SQLModel, table=True):
    """A conversation with models; each turn is a row of `conversation_turns`."""

    __tablename__ = "conversations"
    id: str = Field(primary_key=True)
    title: str  # of the first input, until it is renamed
    renamed: bool = False
    model_id: str = ""  # that answered last, by its id on the server
    system: str = text()  # the system message of the next input
    settings: dict[str, Any] = json_object()  # of the next input: max_tokens, temperature
    revision: int = 0  # grows with every change, so that another window notices it
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time, index=True)


class ChatTurn(SQLModel, table=True):
    """An input, or an answer with what produced it. Names and hashes are stored: the model may be deleted later."""

    __tablename__ = "conversation_turns"
    __table_args__ = (UniqueConstraint("conversation_id", "position"),)
    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversations.id", index=True)
    position: int  # in the conversation, from 0
    role: str  # user | assistant
    content: str = text()
    state: str = "complete"  # of an answer: running | complete | stopped | interrupted | failed
    model_id: str = ""  # on the server; of an answer, as everything below
    model_name: str = ""
    base_model: str = ""
    adapter: str = ""  # SHA-256 of the tuned weights; "" for a base
    template_hash: str = ""  # SHA-256 of the chat template
    system: str = text()  # the system message that was sent
    settings: dict[str, Any] = json_object()  # max_tokens, temperature
    finish_reason: str = ""  # stop | length
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_s: float | None = None
    seconds: float = 0.0
    error: dict[str, Any] = json_object()  # {message, remedy} of a failed answer
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)  # a running answer renews it every second
