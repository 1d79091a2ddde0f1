"""Tables of serving: where models are published, the agents that answer, what was answered, and what people think."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.platform.db.tables.columns import json_list, json_object, text


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


class Agent(SQLModel, table=True):
    """A name that answers; how it answers is its newest version in `agent_versions`."""

    __tablename__ = "agents"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    handle: str = Field(unique=True)  # programs ask for `agent:<handle>`
    description: str = text()
    current_version: int = 1
    archived_at: float | None = None
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)


class AgentVersion(SQLModel, table=True):
    """How an agent answers, from one change to the next. A version never changes."""

    __tablename__ = "agent_versions"
    __table_args__ = (UniqueConstraint("agent_id", "number"),)
    id: str = Field(primary_key=True)
    agent_id: str = Field(foreign_key="agents.id", index=True)
    number: int
    system: str = text()
    model_id: str
    settings: dict[str, Any] = json_object()  # core.serving.agents.AgentSettings
    fallback_model_id: str = ""  # "": none
    starters: list[str] = json_list()
    split: dict[str, Any] = json_object()  # {model_id, share}; {}: every conversation gets `model_id`
    note: str = text()  # what changed, and why
    author: str = ""  # who changed it; "": someone on this machine
    created_at: float = Field(default_factory=time.time)


class ChatConversation(SQLModel, table=True):
    """A conversation with models or an agent; each turn is a row of `conversation_turns`."""

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_key_id_thread", "key_id", "thread"),)
    id: str = Field(primary_key=True)
    title: str  # of the first input, until it is renamed
    renamed: bool = False
    model_id: str = ""  # that answered last, by its id on the server
    system: str = text()  # the system message of the next input
    settings: dict[str, Any] = json_object()  # of the next input: max_tokens, temperature
    agent_id: str = Field(
        default="", index=True, sa_column_kwargs={"server_default": ""}
    )  # that answered last; "": none
    origin: str = Field(default="chat", sa_column_kwargs={"server_default": "chat"})  # chat | api
    key_id: str = Field(default="", sa_column_kwargs={"server_default": ""})  # of the API key that recorded it
    thread: str = Field(
        default="", sa_column_kwargs={"server_default": ""}
    )  # what tells a program's conversations apart
    expires_at: float | None = Field(default=None, index=True)  # of a recorded one: it is deleted then
    revision: int = 0  # grows with every change, so that another window notices it
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time, index=True)


class ChatTurn(SQLModel, table=True):
    """An input, or an answer with what produced it. Names and hashes are stored: the model may be deleted later."""

    __tablename__ = "conversation_turns"
    __table_args__ = (
        UniqueConstraint("conversation_id", "position"),
        Index("ix_conversation_turns_model_id_conversation_id", "model_id", "conversation_id"),
    )
    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversations.id", index=True)
    position: int  # in the conversation, from 0
    role: str  # user | assistant
    content: str = text()
    state: str = "complete"  # of an answer: running | complete | stopped | interrupted | failed
    model_id: str = ""  # on the server; of an answer, as everything below
    model_name: str = ""
    agent_id: str = Field(
        default="", index=True, sa_column_kwargs={"server_default": ""}
    )  # "": the model was asked directly
    agent_version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
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


class Feedback(SQLModel, table=True):
    """What one person thinks of one answer. It is not tied to the conversation's row, and outlives it."""

    __tablename__ = "feedback"
    __table_args__ = (
        UniqueConstraint("turn_id", "author"),
        Index("ix_feedback_agent_id_model_id", "agent_id", "model_id"),
    )
    id: str = Field(primary_key=True)
    turn_id: str = Field(index=True)
    conversation_id: str = Field(index=True)
    agent_id: str = ""
    model_id: str = ""  # on the server
    author: str = ""  # "" without sign-in
    thumb: int = 0  # -1 | 0 | 1
    stars: int = 0  # 1 to 5; 0: none
    reasons: list[str] = json_list()  # ids in core.serving.feedback.REASONS
    comment: str = text()
    snapshot: dict[str, Any] = json_object()  # core.serving.feedback.records.AnswerSnapshot
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time, index=True)


class Correction(SQLModel, table=True):
    """A better answer that a person wrote: a candidate for a dataset, until it is accepted or rejected."""

    __tablename__ = "corrections"
    __table_args__ = (
        Index("ix_corrections_state_created_at", "state", "created_at"),
        Index("ix_corrections_agent_id_state", "agent_id", "state"),
        Index("ix_corrections_model_id_state", "model_id", "state"),
    )
    id: str = Field(primary_key=True)
    turn_id: str = Field(index=True)
    conversation_id: str = Field(index=True)
    agent_id: str = ""
    model_id: str = ""
    author: str = ""
    proposed: str = text()  # as its author wrote it
    text: str = text()  # as it is used: a reviewer may have edited it
    edited_by: str = ""  # the reviewer
    edited_at: float | None = None
    state: str = "new"  # new | accepted | rejected
    decided_by: str = ""
    decided_at: float | None = None
    snapshot: dict[str, Any] = json_object()
    dataset_id: str = Field("", index=True)  # that it is part of
    version_id: str = ""
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)


class ArenaMatch(SQLModel, table=True):
    """One input, two models' answers to it without names, and the vote. Names are stored: a model may be deleted."""

    __tablename__ = "arena_matches"
    __table_args__ = (Index("ix_arena_matches_vote_voted_at", "vote", "voted_at"),)
    id: str = Field(primary_key=True)
    left_id: str  # of the model on the server, as in conversation_turns
    right_id: str
    left_name: str
    right_name: str
    messages: list[dict[str, Any]] = json_list()  # the conversation up to the answer
    expected: str = text()  # "" for a typed input
    version_id: str = Field("", index=True)  # of the example; "" for a typed input
    position: int | None = None  # of the example in its version
    settings: dict[str, Any] = json_object()  # max_tokens, temperature
    left_answer: str = text()
    right_answer: str = text()
    complete: bool = False  # both answers are stored
    vote: str = ""  # left | right | tie | both_bad
    author: str = ""  # who voted
    created_at: float = Field(default_factory=time.time)
    voted_at: float | None = None


class Evaluation(SQLModel, table=True):
    """Models that answer the same questions; each answer is a row of `evaluation_answers`."""

    __tablename__ = "evaluations"
    id: str = Field(primary_key=True)
    task_id: str = Field(default="", index=True)
    name: str
    dataset_id: str = Field(default="", index=True)  # names are stored: the dataset may be deleted later
    dataset_name: str = ""
    dataset_version_id: str = ""
    split: str = ""  # "": every example
    models: list[dict[str, Any]] = json_list()  # {id, title, kind} in the order of the screen
    metrics: list[str] = json_list()  # ids of core.serving.evaluation.EVALUATION_METRICS
    settings: dict[str, Any] = json_object()  # core.serving.evaluations.records.EvaluationSettings
    summary: dict[str, Any] = json_object()  # core.serving.evaluations.records.Summary; {} until it ended
    created_at: float = Field(default_factory=time.time, index=True)
    archived_at: float | None = None


class EvaluationAnswer(SQLModel, table=True):
    """One answer of an evaluation. The key makes sure that nothing is answered twice after a kill."""

    __tablename__ = "evaluation_answers"
    __table_args__ = (UniqueConstraint("evaluation_id", "model_id", "suite", "position", "repeat"),)
    id: int | None = Field(default=None, primary_key=True)
    evaluation_id: str = Field(foreign_key="evaluations.id", index=True)
    model_id: str
    suite: str = ""  # "": the dataset
    position: int  # of the example in its version, or of the item in its suite
    repeat: int = 0  # 0 is the answer that counts; later ones measure the noise
    answer: str = text()
    error: str = text()  # of an answer that failed
    finish_reason: str = ""
    prompt_tokens: int = 0
    tokens: int = 0
    seconds: float = 0.0
    scores: dict[str, float] = json_object()  # {metric: value of this answer}; of a suite {"passed": 0 or 1}
    logprob: float | None = None  # sum over the expected output's tokens
    expected_tokens: int = 0
    created_at: float = Field(default_factory=time.time)


class EvaluatedModel(SQLModel, table=True):
    """A model that an evaluation measured, written when it ends: the way from a model to its scores."""

    __tablename__ = "evaluated_models"
    __table_args__ = (UniqueConstraint("evaluation_id", "model_id"),)
    id: int | None = Field(default=None, primary_key=True)
    evaluation_id: str = Field(foreign_key="evaluations.id", index=True)
    model_id: str = Field(index=True)  # of a merged model: the one that it was merged from


class ModelVerdict(SQLModel, table=True):
    """Whether a model may replace its parent, with the reasons."""

    __tablename__ = "verdicts"
    id: str = Field(primary_key=True)
    candidate_id: str = Field(index=True)
    parent_id: str
    evaluation_id: str = Field(foreign_key="evaluations.id", index=True)
    decision: str  # ship | dont_ship | no_difference
    reasons: list[dict[str, Any]] = json_list()  # core.serving.evaluations.records.Reason
    override: dict[str, Any] = json_object()  # {reason, by, at} of a person who deployed against it
    created_at: float = Field(default_factory=time.time)
