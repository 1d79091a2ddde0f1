"""Tables of what every wing uses: drafts, connections, tasks and their events, keys of the API."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Index, UniqueConstraint, true
from sqlmodel import Field, SQLModel

from core.platform.db.tables.columns import json_list, json_object, text


class Draft(SQLModel, table=True):
    """A wizard in progress; its address shows the same step and choices in any browser."""

    __tablename__ = "drafts"
    id: str = Field(primary_key=True)
    kind: str = Field(index=True)  # convert | job | chat_import
    step: str = ""
    state: dict[str, Any] = json_object()
    revision: int = 0
    result_id: str | None = None  # what the draft became: dataset id, task id or job id
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)


class LlmConnection(SQLModel, table=True):
    """A language model's endpoint that writes examples: Ollama, any OpenAI-compatible server, or the studio itself."""

    __tablename__ = "llm_connections"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    kind: str  # an id in core.models.llm.CLIENTS
    base_url: str = ""
    key_env: str = ""  # the environment variable that holds the key
    key_file: str = ""  # or the file of the data directory that does; the key itself is never in the database
    prices: dict[str, Any] = json_object()  # {model: {"input": USD, "output": USD}} per 1,000,000 tokens
    settings: dict[str, Any] = json_object()  # timeout_s, concurrency
    # an id in HOSTED_SERVICES: the service that trains there; "" trains nothing
    training: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)


class BackgroundTask(SQLModel, table=True):
    """One piece of long work. This row is the truth; Redis only wakes a worker up (docs/architecture.md, Tasks)."""

    __tablename__ = "background_tasks"
    __table_args__ = (Index("ix_background_tasks_state_queue", "state", "queue"),)
    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    title: str = ""
    queue: str  # gpu | cpu | io
    payload: dict[str, Any] = json_object()
    idempotency_key: str | None = Field(default=None, unique=True)
    after_task_id: str | None = Field(default=None, index=True)  # starts only when that one has succeeded
    not_before: float | None = Field(default=None, index=True)  # Unix seconds: no worker takes it before
    state: str = "pending"
    reason: str = ""  # e.g. stopped_early, or the cause of a failure: out_of_memory, killed, data
    attempt: int = 1
    crashes: int = 0  # in a row without new saved progress
    lease_owner: str | None = None
    lease_expires_at: float | None = None  # database time
    lease_epoch: int = 0  # grows with every acquisition
    lease_allowance_s: float = 0.0  # grows with the longest step seen
    command: str = ""  # "" | cancel | pause | stop: what a person asked the running work to do
    command_at: float | None = None
    progress: float = 0.0  # 0..100
    phase: str = ""
    message: str = text()
    error: dict[str, Any] = json_object()  # {message, remedy, cause, error_id}
    result: dict[str, Any] = json_object()
    announced_at: float | None = None
    created_at: float = Field(default_factory=time.time, index=True)
    started_at: float | None = None
    finished_at: float | None = None
    updated_at: float = Field(default_factory=time.time)
    archived_at: float | None = None  # hidden from the list until it is restored


class FineTuningEvent(SQLModel, table=True):
    """Something that happened to a task or job, for the timeline, the toast and the log."""

    __tablename__ = "fine_tuning_events"
    id: int | None = Field(default=None, primary_key=True)
    task_id: str = Field(foreign_key="background_tasks.id", index=True)
    kind: str  # state | checkpoint | evaluation | data | log | recovery
    level: str = "info"  # info | warning | error
    message: str = text()
    data: dict[str, Any] = json_object()
    created_at: float = Field(default_factory=time.time, index=True)


class ApiKey(SQLModel, table=True):
    """A key of the API. Only its hash is stored; lists show its prefix."""

    __tablename__ = "api_keys"
    id: str = Field(primary_key=True)
    name: str
    prefix: str = Field(unique=True)  # the beginning of the key
    hash: str  # Argon2, of all of the key
    scopes: list[str] = json_list()
    record_days: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # conversations; 0: none is recorded
    redact: bool = Field(default=True, sa_column_kwargs={"server_default": true()})  # personal data, before they are
    expires_at: float | None = None
    last_used_at: float | None = None
    revoked_at: float | None = None
    created_at: float = Field(default_factory=time.time)


class ApiRequest(SQLModel, table=True):
    """A request of the API that carried an Idempotency-Key, and its response once there is one."""

    __tablename__ = "api_requests"
    key: str = Field(primary_key=True)  # hash of the API key, the path and the given key
    body_sha256: str
    status: int = 0  # 0: it is still being answered
    response: str = text()
    created_at: float = Field(default_factory=time.time, index=True)


class Notice(SQLModel, table=True):
    """Something that the studio tells people about: the outbox of their targets, and the list behind the bell."""

    __tablename__ = "notices"
    id: int | None = Field(default=None, primary_key=True)
    kind: str  # an id in core.platform.notices.NOTICE_KINDS
    title: str
    text: str = text()
    link: str = ""  # a screen of the studio with its query
    person: str = ""  # whom it concerns; "" for everyone
    once: str | None = Field(default=None, unique=True)  # names the occasion of a notice that is written once
    created_at: float = Field(default_factory=time.time, index=True)


class NoticeTarget(SQLModel, table=True):
    """Where notices are delivered to: a mailbox, a channel, a webhook. Its address is a secret and is not here."""

    __tablename__ = "notice_targets"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    service: str  # an id in core.platform.notices.NOTICE_SERVICES
    shown: str = ""  # the part of the address that is not secret
    address_file: str = ""  # the file of the data directory that holds the address
    address_env: str = ""  # or the environment variable that does
    kinds: list[str] = json_list()  # what it receives
    person: str = ""  # only what concerns this person; "" for everything
    enabled: bool = True
    failures: int = 0  # in a row
    error: str = text()  # why the last delivery failed
    failed_at: float | None = None
    delivered_at: float | None = None
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)


class NoticeDelivery(SQLModel, table=True):
    """A notice that a target has received."""

    __tablename__ = "notice_deliveries"
    __table_args__ = (UniqueConstraint("notice_id", "target_id"),)
    id: str = Field(primary_key=True)
    notice_id: int = Field(foreign_key="notices.id")
    target_id: str = Field(foreign_key="notice_targets.id", index=True)
    created_at: float = Field(default_factory=time.time)


class NoticeReader(SQLModel, table=True):
    """Up to which notice a person, or a browser where sign-in is off, has read."""

    __tablename__ = "notice_readers"
    person: str = Field(primary_key=True)
    read_id: int = 0
    read_at: float = Field(default_factory=time.time)


class ModelShutdown(SQLModel, table=True):
    """When a provider switches a model off: from its live list, or entered by a person."""

    __tablename__ = "model_shutdowns"
    __table_args__ = (UniqueConstraint("host", "model"),)
    id: str = Field(primary_key=True)
    host: str  # of the provider's API
    model: str
    shutdown_on: str = ""  # YYYY-MM-DD; "": a person removed the date
    jobs_end_on: str = ""
    source: str = text()
    seen_on: str = ""
    by_hand: bool = False  # a live list does not overwrite it
    updated_at: float = Field(default_factory=time.time)
