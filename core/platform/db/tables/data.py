"""Tables of the data workbench."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from core.platform.db.tables.columns import big, json_list, json_object, text


class Source(SQLModel, table=True):
    """A stored upload, exactly as it came."""

    __tablename__ = "sources"
    id: str = Field(primary_key=True)
    filename: str
    sha256: str = Field(index=True)
    size_bytes: int = big()
    format: str = ""
    encoding: str = ""
    detection: dict[str, Any] = json_object()  # dialect, header, array path: what was detected, as shown
    path: str  # storage key of the bytes
    origin: str = Field("upload", sa_column_kwargs={"server_default": "upload"})  # upload | path | url | sample
    created_at: float = Field(default_factory=time.time)


class FineTuningDataset(SQLModel, table=True):
    """A dataset: a name and its newest version."""

    __tablename__ = "fine_tuning_datasets"
    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    description: str = text()
    state: str = "not_validated"  # validated | failed | not_validated
    current_version_id: str | None = None
    origin: str = ""  # as in core.data.versions.manifest.Manifest
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)
    deleted_at: float | None = None
    archived_at: float | None = None  # hidden from lists and choices until it is restored


class DatasetVersion(SQLModel, table=True):
    """An immutable version: the summary of a manifest that was written last."""

    __tablename__ = "dataset_versions"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)
    id: str = Field(primary_key=True)
    dataset_id: str = Field(foreign_key="fine_tuning_datasets.id", index=True)
    number: int
    path: str  # storage prefix that holds examples.parquet, findings.parquet, rejects.jsonl, manifest.json
    examples_sha256: str
    examples: int
    train_examples: int
    validation_examples: int
    size_bytes: int = big()
    manifest: dict[str, Any] = json_object()
    parents: list[str] = json_list()
    created_at: float = Field(default_factory=time.time)


class TrainingExample(SQLModel, table=True):
    """An example written one by one in the app, until it is gathered into a version."""

    __tablename__ = "training_examples"
    id: str = Field(primary_key=True)
    dataset_id: str = Field(foreign_key="fine_tuning_datasets.id", index=True)
    messages: list[dict[str, Any]] = json_list()
    tools: list[dict[str, Any]] = json_list(server_default="[]")
    rejected: list[dict[str, Any]] = json_list(server_default="[]")  # of a preference pair
    origin: str = "manual"
    version_id: str | None = None  # set once gathered
    created_at: float = Field(default_factory=time.time)


class SmartRow(SQLModel, table=True):
    """What a model made of one row: committed as soon as the answer is there, so that no row is paid for twice."""

    __tablename__ = "smart_rows"
    __table_args__ = (UniqueConstraint("task_id", "position"),)
    id: int | None = Field(default=None, primary_key=True)
    task_id: str = Field(foreign_key="background_tasks.id", index=True)
    position: int  # of the row among the readable ones, from 0
    line: int  # physical line in the source
    state: str  # ok | failed | empty | duplicate
    reason: str = text()  # why it failed
    examples: list[dict[str, Any]] = json_list()  # [{"messages": [...], "flags": [...]}]
    prompt_tokens: int = big(default=0)
    completion_tokens: int = big(default=0)
    cost_usd: float = 0.0
    attempts: int = 1
    created_at: float = Field(default_factory=time.time)
