"""The records of the platform as the API shows them: tasks, events, keys."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.platform.records import Shown
from core.services.platform import api_keys

Scope = Literal["read", "data", "train", "serve", "admin"]
assert set(Scope.__args__) == set(api_keys.SCOPES)  # type: ignore[attr-defined]


class TaskShown(Shown):
    """A piece of background work. `result` has the ids of what it made; times are Unix seconds."""

    id: str
    kind: str
    title: str
    state: str
    reason: str
    progress: float = Field(description="0 to 100")
    phase: str
    message: str
    error: dict[str, Any]
    result: dict[str, Any]
    attempt: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    archived_at: float | None


class EventShown(Shown):
    """Something that happened to a task or job. `id` grows; send the last one as `since`."""

    id: int
    kind: str
    level: str
    message: str
    data: dict[str, Any]
    created_at: float
    object: Literal["event"] = "event"


class KeyShown(Shown):
    """An API key without its secret."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    state: str
    record_days: int
    redact: bool
    expires_at: float | None
    last_used_at: float | None
    created_at: float


class NewKey(BaseModel):
    name: str = Field(max_length=80)
    scopes: list[Scope]
    days: int | None = Field(default=None, description="until it expires; null: it does not")


class Recording(BaseModel):
    """Whether the conversations of a key's programs are stored."""

    days: int = Field(ge=0, le=3_650, description="until they are deleted; 0: they are not stored")
    redact: bool = Field(default=True, description="replace personal data and secrets before")


class CreatedKey(BaseModel):
    """`key` is shown this once."""

    key: str
    record: KeyShown


class Start(BaseModel):
    """When something starts."""

    start_at: float = Field(description="Unix seconds, in the future")
