"""Votes and corrections as the API shows them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from api.platform.records import Shown
from core.services.serving.feedback import MAX_COMMENT, REASONS

State = Literal["new", "accepted", "rejected"]
User = Field(default="", max_length=100, description="the person that the program speaks for, as it names them")


class SaidShown(Shown):
    """One message of a conversation."""

    role: str
    content: str


class SnapshotShown(Shown):
    """A conversation up to and with one answer, as it was when someone judged the answer."""

    title: str
    messages: list[SaidShown] = Field(description="what the model was sent")
    answer: str
    model_name: str
    base_model: str
    adapter: str
    template_hash: str
    answered_at: float


class VoteShown(Shown):
    """What one person thinks of one answer."""

    id: str
    conversation_id: str
    turn_id: str
    agent_id: str
    model_id: str
    author: str
    thumb: int = Field(description="1 up, -1 down, 0 neither")
    stars: int = Field(description="1 to 5; 0 for none")
    reasons: list[str]
    comment: str
    snapshot: SnapshotShown
    created_at: float
    updated_at: float


class CorrectionShown(Shown):
    """A better answer that a person wrote. `proposed` is its author's text, `text` what is used."""

    id: str
    conversation_id: str
    turn_id: str
    agent_id: str
    model_id: str
    author: str
    proposed: str
    text: str
    edited_by: str
    edited_at: float | None
    state: State
    decided_by: str
    decided_at: float | None
    dataset_id: str = Field(description="the dataset that it is part of, or empty")
    version_id: str
    snapshot: SnapshotShown
    created_at: float
    updated_at: float


class OpinionsShown(Shown):
    """The votes on one answer and its corrections, each in order."""

    votes: list[VoteShown]
    corrections: list[CorrectionShown]


class VoteInput(BaseModel):
    """A vote; what is left out remains as it was."""

    thumb: Literal[-1, 0, 1] | None = None
    stars: int | None = Field(default=None, ge=0, le=5)
    reasons: list[str] | None = Field(default=None, max_length=20, description=f"some of: {', '.join(REASONS.ids())}")
    comment: str | None = Field(default=None, max_length=MAX_COMMENT)
    user: str = User


class CorrectionInput(BaseModel):
    text: str = Field(min_length=1, max_length=100_000)
    user: str = User


class CorrectionChange(BaseModel):
    """What changes of a correction; what is left out remains."""

    text: str | None = Field(default=None, max_length=100_000)
    state: State | None = None
    seen: Literal["", "new", "accepted", "rejected"] = Field(
        default="", description="the state that the reviewer saw: another one is a conflict"
    )
    user: str = User


class FeedbackDataset(BaseModel):
    """Which feedback becomes a dataset."""

    name: str = Field(default="", max_length=200, description="of a new dataset")
    dataset_id: str = Field(default="", max_length=100, description="the dataset to add to, in place of a new one")
    agent: str = Field(default="", max_length=100)
    model: str = Field(default="", max_length=200)
    good: bool = Field(default=False, description="also the answers that were only rated well")
    redact: bool = Field(default=True, description="replace personal data and secrets by placeholders")
    description: str = Field(default="", max_length=2_000)


class GatheredShown(Shown):
    """What a dataset got."""

    dataset_id: str
    version_id: str
    examples: int
    pairs: int = Field(description="of the examples: those with a rejected answer")
    duplicates: int = Field(description="the same example, left out")


class VotePage(BaseModel):
    data: list[VoteShown]
    total: int
    next: int | None = Field(description="`offset` of the next page")


class CorrectionPage(BaseModel):
    data: list[CorrectionShown]
    counts: dict[str, int] = Field(description="corrections of each state")
    total: int
    next: int | None = Field(description="`offset` of the next page")
