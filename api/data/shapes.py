"""Uploads and datasets as the API shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.platform.described import EditOperation, Options
from api.platform.records import Shown
from api.platform.shapes import TaskShown

Name = Annotated[str, Field(max_length=200)]
Id = Annotated[str, Field(max_length=200)]


class UploadShown(Shown):
    """A stored file, and how it is read."""

    id: str
    filename: str
    format: str
    encoding: str | None
    size_bytes: int
    sha256: str
    created_at: float


class PartialShown(Shown):
    """An upload that is being sent in parts; `parts` are the numbers that have arrived."""

    id: str
    filename: str
    parts: list[int]
    size_bytes: int


class BeginUpload(BaseModel):
    filename: Name


class VersionShown(Shown):
    """An immutable version of a dataset."""

    id: str
    dataset_id: str
    number: int
    examples: int
    train_examples: int
    validation_examples: int
    test_examples: int
    sha256: str
    size_bytes: int
    parents: list[str]
    created_at: float


class DatasetShown(Shown):
    """A dataset with its newest version. `state` is validated, failed or not_validated."""

    id: str
    name: str
    description: str
    state: str
    origin: str
    version: VersionShown
    created_at: float
    updated_at: float
    archived_at: float | None


class ExampleShown(BaseModel):
    """A labeled example, by its position in the version."""

    position: int
    split: Literal["train", "validation", "test"]
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    tokens: int
    flags: list[str]


class ExamplePage(BaseModel):
    data: list[ExampleShown]
    total: int
    next: int | None = Field(description="`offset` of the next page")


class FindingShown(Shown):
    """Something that is wrong with an example, or with the set."""

    line: int | None
    field: str | None
    code: str
    severity: str
    message: str
    remedy: str


class NewDataset(BaseModel):
    """A dataset from an upload in a known shape of labeled examples."""

    upload_id: Id
    name: Name
    description: str = Field(default="", max_length=20_000)
    validation_upload_id: Id | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    without: list[Name] = Field(default_factory=list, max_length=1_000, description="fields to leave out knowingly")


class Conversion(BaseModel):
    """A dataset from any table: a guided template, and which columns are its parts."""

    upload_id: Id
    name: Name
    description: str = Field(default="", max_length=20_000)
    template: str = Field(max_length=60)
    mapping: dict[str, Any] | None = Field(default=None, description="columns by part; null: as suggested")
    options: Options | None = None
    without: list[Name] = Field(default_factory=list, max_length=1_000)
    leave_out: list[int] = Field(default_factory=list, max_length=100_000, description="lines to leave out")


class ConversationImport(BaseModel):
    """A dataset from an exported chat log, or from the studio's own conversations. What is left out is as *Import
    conversations* suggests."""

    upload_id: str = Field(
        default="",
        max_length=200,
        description="of POST /api/v1/uploads?kind=conversations; empty: the studio's own conversations",
    )
    agent: str = Field(default="", max_length=200, description="id, handle or name; of the studio's conversations")
    model: str = Field(default="", max_length=200, description="id; of the studio's conversations")
    since: float | None = Field(default=None, description="Unix seconds: conversations that started then or later")
    until: float | None = Field(default=None, description="Unix seconds: conversations that started before")
    min_quality: int | None = Field(default=None, ge=0, le=100)
    max_examples: int | None = Field(default=None, ge=1, le=10_000_000)
    name: Name
    description: str = Field(default="", max_length=20_000)
    reading: dict[str, Any] = Field(default_factory=dict)
    recipe: dict[str, Any] = Field(default_factory=dict)


class Mix(BaseModel):
    """A dataset from several versions with weights."""

    name: Name
    description: str = Field(default="", max_length=20_000)
    parts: dict[Id, float] = Field(max_length=50, description="weights by version id")
    distinct: bool = Field(default=False, description="leave out examples whose input an earlier dataset has")
    total: int | None = None
    seed: int = 42
    hold_out: float | None = None


class Edit(BaseModel):
    """An editing operation on the newest version."""

    operation: EditOperation = Field(description='{"id": "dedupe", ...}')
    base_version_id: Id = Field(description="the version that was looked at")
    why: str = Field(default="", max_length=2_000)


class Edited(BaseModel):
    """The new version, or the task that creates it."""

    version: VersionShown | None
    task: TaskShown | None
    text: str
