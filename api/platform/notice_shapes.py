"""Notices, their targets and shutdowns as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from api.platform.records import Shown


class NoticeShown(Shown):
    """Something that happened. `link` is a screen of the studio with its query."""

    id: int
    kind: str
    title: str
    text: str
    link: str
    person: str
    created_at: float


class TargetShown(Shown):
    """Where notices are delivered to. `shown` is the part of the address that is not secret."""

    id: str
    name: str
    service: str
    shown: str
    address_env: str
    kinds: list[str]
    person: str
    enabled: bool
    failures: int
    error: str
    failed_at: float | None
    delivered_at: float | None
    created_at: float


class TargetChange(BaseModel):
    """What a target receives, and where."""

    name: str = Field(max_length=200)
    address: str | None = Field(default=None, max_length=8_000, description="a secret; never shown again")
    address_env: str = Field(default="", max_length=200, description="a variable SFT_NOTICE_… that holds the address")
    kinds: list[str] | None = Field(default=None, max_length=50, description="left out: every kind")
    person: str = Field(default="", max_length=200, description="only what concerns this person or everyone")
    enabled: bool = True

    def values(self) -> dict[str, Any]:
        """The arguments of the service."""
        return self.model_dump()


class NewTarget(TargetChange):
    """A new target."""

    service: str = Field(max_length=40, description="mail, webhook, slack, teams, ...")


class TestShown(Shown):
    """The result of a test."""

    ok: bool
    message: str
    remedy: str


class UseShown(Shown):
    """What uses a model: an agent, an evaluation or a tuned model."""

    kind: str
    id: str
    title: str
    model_id: str


class ShutdownShown(Shown):
    """A model that its provider switches off. Dates are YYYY-MM-DD."""

    host: str
    model: str
    shutdown_on: str
    jobs_end_on: str
    source: str
    seen_on: str
    origin: str
    days_left: int
    used_by: list[UseShown]


class NewShutdown(BaseModel):
    """A date to enter."""

    host: str = Field(max_length=300)
    model: str = Field(max_length=300)
    shutdown_on: str = Field(max_length=40, description="YYYY-MM-DD")
    jobs_end_on: str = Field(default="", max_length=40)
    source: str = Field(default="", max_length=500)


class Recorded(BaseModel):
    """Whose answers are kept, and to which examples."""

    model: str = Field(
        max_length=300, description="as in `used_by`, or a connection's name, a slash, and a model there"
    )
    dataset_id: str = Field(max_length=100)
    split: str = Field(default="test", max_length=20)


class RecordedShown(BaseModel):
    """The evaluation that keeps the answers."""

    evaluation_id: str
