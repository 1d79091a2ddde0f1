"""Agents as the API shows them, and what is sent to create and change them."""

from __future__ import annotations

from typing import Annotated, Any, Self, cast

from pydantic import BaseModel, Field

from api.platform.records import Renamed, Shown
from core.services.serving.agents import AgentChanges, AgentRecord, AgentSettings

Text = Annotated[str, Field(max_length=100_000)]
Word = Annotated[str, Field(max_length=500)]
Note = Annotated[str, Field(max_length=2_000, description="what changed, and why; stored with the version")]
_MODEL = "id, name or slug of a model"


class SplitShown(Shown):
    """A second model that gets a share of the conversations; each conversation keeps its side."""

    model_id: str
    share: float


class AgentVersionShown(Shown):
    """How an agent answers, from one change to the next."""

    number: int
    system: str
    model_id: str
    settings: AgentSettings
    fallback_model_id: str
    starters: list[str]
    split: SplitShown | None
    note: str
    author: str
    created_at: float


class AgentShown(Shown):
    """An agent with its current version. Chat completions ask for it by the name in `model`."""

    id: str
    name: str
    handle: str
    model: str
    description: str
    version: AgentVersionShown
    archived_at: float | None
    created_at: float
    updated_at: float

    @classmethod
    def of(cls, record: object) -> Self:
        """The fields of a record."""
        assert isinstance(record, AgentRecord)
        own = {name: getattr(record, name) for name in cls.model_fields if name not in ("model", "version")}
        return cls(**own, model=record.model_name, version=AgentVersionShown.of(record.version))


class SplitAsked(BaseModel):
    model: Word = Field(description=_MODEL)
    share: float = Field(ge=0.01, le=0.99, description="of the conversations")


class _Content(BaseModel):
    handle: Word | None = Field(default=None, description="the name in `agent:HANDLE`; left out: made from the name")
    description: Word | None = None
    system: Text | None = Field(default=None, description="the system message, sent before every conversation")
    settings: AgentSettings | None = None
    fallback: Word | None = Field(default=None, description=f"{_MODEL}, for where another cannot answer; empty: none")
    starters: list[Word] | None = Field(default=None, max_length=20, description="inputs that a chat offers")
    note: Note = ""


class NewAgent(_Content):
    name: Word
    model: Word = Field(description=_MODEL)
    split: SplitAsked | None = None


class AgentChange(Renamed, _Content):
    """A change of an agent; what is left out remains. How it answers afterwards is a further version."""

    model: Word | None = Field(default=None, description=_MODEL)
    split: SplitAsked | None = Field(default=None, description="null ends a split")


class DeployAsked(BaseModel):
    """A model for agents."""

    model: Word = Field(description=_MODEL)
    agents: list[Word] = Field(min_length=1, max_length=200, description="their ids, handles or names")
    share: float | None = Field(default=None, ge=0.01, le=0.99, description="of the conversations; null: all")
    reason: Note = ""


class AgentDifferenceShown(Shown):
    """A field that differs between two versions."""

    field: str
    title: str
    before: str
    after: str


def changes(asked: NewAgent | AgentChange) -> AgentChanges:
    """What a body changes of an agent. Its name is left out of a change: the route renames it."""
    own = ("name",) if isinstance(asked, NewAgent) else ()
    simple = (*own, "handle", "description", "system", "model", "fallback", "starters")
    found: dict[str, Any] = {name: value for name in simple if (value := getattr(asked, name)) is not None}
    if asked.settings is not None:
        found["settings"] = asked.settings.model_dump()
    if "split" in asked.model_fields_set:
        found["split"] = (asked.split.model, asked.split.share) if asked.split else None
    return cast(AgentChanges, found)
