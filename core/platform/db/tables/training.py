"""Tables of training: jobs, what they measured, and their models."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from core.platform.db.tables.columns import big, json_list, json_object, text


class FineTuningJob(SQLModel, table=True):
    """A fine-tuning job; its status is its task's state."""

    __tablename__ = "fine_tuning_jobs"
    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    description: str = text()
    task_id: str = Field(foreign_key="background_tasks.id", unique=True)
    dataset_id: str = Field(foreign_key="fine_tuning_datasets.id", index=True)
    dataset_version_id: str = Field(foreign_key="dataset_versions.id")
    provider: str = "local"
    connection_id: str | None = Field(default=None, index=True)  # of a provider's service; None: trained here
    base_model: str
    method: str
    spec: dict[str, Any] = json_object()  # the frozen JobSpec
    draft_key: str | None = Field(default=None, unique=True)  # one job per draft, however often launch is pressed
    parent_job_id: str | None = None
    forecast: dict[str, Any] = json_object()
    measured: dict[str, Any] = json_object()
    created_at: float = Field(default_factory=time.time)
    archived_at: float | None = None  # hidden from lists until it is restored
    deleted_at: float | None = None  # its model, if there is one, still refers to it


class HostedRunRow(SQLModel, table=True):
    """One submission of a job to a hosted service. The row is written before anything is sent, so that after a crash
    the job is looked up there by its intent and never submitted, or paid, twice. The newest of a job counts."""

    __tablename__ = "hosted_runs"
    intent: str = Field(primary_key=True)  # random; goes along with the submission
    job_id: str = Field(foreign_key="fine_tuning_jobs.id", index=True)
    connection_id: str
    service: str  # an id of HOSTED_SERVICES
    training_file: str = ""  # ids of the files there
    validation_file: str = ""
    attempted_at: float | None = None  # a submission began; whether it arrived, only the service knows
    remote_id: str = ""
    remote_status: str = ""  # the service's own word
    state: str = ""  # what that means: queued | running | paused | succeeded | failed | cancelled
    model: str = ""  # the tuned model there
    last_event_id: str = ""
    poll_count: int = 0
    failures: int = 0  # of visits, in a row
    estimated_usd: float | None = None
    billed_usd: float | None = None
    details: dict[str, Any] = json_object()  # checkpoints and other words of the service
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)


class FineTunedModel(SQLModel, table=True):
    """What a job yielded; one model per job."""

    __tablename__ = "fine_tuned_models"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    job_id: str = Field(foreign_key="fine_tuning_jobs.id", unique=True)
    dataset_id: str = Field(foreign_key="fine_tuning_datasets.id")
    base_model: str
    method: str
    state: str = "active"  # active | archived
    line_id: str = Field("", index=True, sa_column_kwargs={"server_default": ""})  # of the versions of one model
    version: int = 1  # within its line
    final_loss: float | None = None
    path: str  # storage prefix that holds the adapter (or the full weights) and manifest.json
    size_bytes: int = big(default=0)
    manifest: dict[str, Any] = json_object()
    notes: str = text()
    created_at: float = Field(default_factory=time.time)


class ModelTag(SQLModel, table=True):
    """A short word on a model."""

    __tablename__ = "model_tags"
    id: str = Field(primary_key=True)
    model_id: str = Field(foreign_key="fine_tuned_models.id")
    tag: str = Field(index=True)
    __table_args__ = (UniqueConstraint("model_id", "tag"),)


class MetricPoint(SQLModel, table=True):
    """One measured point of a run. A `step` is an optimizer step; a resumed run replaces what it computes again."""

    __tablename__ = "metric_points"
    __table_args__ = (UniqueConstraint("job_id", "step", "split"),)
    id: int | None = Field(default=None, primary_key=True)
    job_id: str = Field(foreign_key="fine_tuning_jobs.id", index=True)
    split: str = "train"  # train | validation
    step: int
    measured: dict[str, float] = json_object(
        server_default="{}"
    )  # {metric: value}, by ids of core.training.metrics.METRICS
    created_at: float = Field(default_factory=time.time)


class SampleAnswer(SQLModel, table=True):
    """What the model answered to one fixed prompt at one step; a resumed run replaces what it answers again."""

    __tablename__ = "sample_answers"
    __table_args__ = (UniqueConstraint("job_id", "step", "position"),)
    id: int | None = Field(default=None, primary_key=True)
    job_id: str = Field(foreign_key="fine_tuning_jobs.id", index=True)
    step: int  # 0 is before the first step
    position: int  # of the prompt among the fixed ones, from 0
    split: str  # validation | train | typed: where the prompt came from
    messages: list[dict[str, Any]] = json_list()  # the conversation up to the answer
    expected: str = text()  # "" where a person typed the prompt
    answer: str = text()
    cut: bool = False  # the answer reached the most tokens that were allowed
    created_at: float = Field(default_factory=time.time)


class Calibration(SQLModel, table=True):
    """Seconds per step and memory that a few real steps took on this machine, for the forecast."""

    __tablename__ = "calibrations"
    key: str = Field(primary_key=True)  # hash of base model, method, its config, batch and length, device
    device: str
    tokens_per_s: float
    overhead_s: float
    peak_memory_bytes: int = big()
    details: dict[str, Any] = json_object()
    created_at: float = Field(default_factory=time.time)
