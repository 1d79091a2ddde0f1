"""The objects of `/v1/fine_tuning`, in OpenAI's shapes, and what the studio adds to them under `studio`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Auto = Literal["auto"]
Status = Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]


class Hyperparameters(BaseModel):
    """Numbers, or auto, which the studio resolves as for a job of the screens."""

    n_epochs: Annotated[int, Field(ge=1, le=1_000)] | Auto = "auto"
    batch_size: Annotated[int, Field(ge=1, le=256)] | Auto = "auto"
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=1_000)] | Auto = "auto"


class SupervisedMethod(BaseModel):
    hyperparameters: Hyperparameters | None = None


class MethodObject(BaseModel):
    """How to fine-tune; only `supervised` is offered."""

    type: Literal["supervised"]
    supervised: SupervisedMethod | None = None


class StudioChoices(BaseModel):
    """The studio's own choices, which OpenAI's API has no fields for. `extra_body={"studio": {...}}` sends them."""

    model_config = ConfigDict(extra="forbid")

    method: str = "lora"
    method_config: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    engine: str = "auto"
    connection: str = Field(default="", max_length=200, description="name or id of a connection that trains")
    hyperparameters: dict[Annotated[str, Field(max_length=60)], int | float | bool | str] = Field(
        default_factory=dict, max_length=60, description="of a hosted job, by the service's own names"
    )
    start_at: float | None = Field(default=None, description="Unix seconds; null: as soon as possible")


class CreateJob(BaseModel):
    """A new fine-tuning job."""

    model: str = Field(min_length=1, max_length=500)
    training_file: str = Field(min_length=1, max_length=100, description="the id of a file, or of a dataset")
    validation_file: str | None = Field(default=None, max_length=100)
    hyperparameters: Hyperparameters | None = Field(default=None, json_schema_extra={"deprecated": True})
    method: MethodObject | None = None
    suffix: str | None = Field(default=None, min_length=1, max_length=64, description="the name of job and model")
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    integrations: Annotated[list[Any], Field(max_length=0)] | None = None  # none is offered
    metadata: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]] | None = Field(
        default=None, max_length=16
    )
    studio: StudioChoices = Field(default_factory=StudioChoices)

    @property
    def numbers(self) -> Hyperparameters:
        """The hyperparameters, from either place."""
        own = self.method.supervised.hyperparameters if self.method and self.method.supervised else None
        return own or self.hyperparameters or Hyperparameters()


class JobFailure(BaseModel):
    code: str
    message: str
    param: str | None = None


class StudioFacts(BaseModel):
    """What the studio knows of a job besides."""

    state: str
    name: str
    dataset: str
    method: str
    progress: float
    message: str
    actions: list[str]


class JobObject(BaseModel):
    """A fine-tuning job. A paused one is `queued`; `studio.state` says so."""

    id: str
    object: Literal["fine_tuning.job"] = "fine_tuning.job"
    model: str
    created_at: int
    finished_at: int | None
    fine_tuned_model: str | None
    organization_id: str = "sft-studio"
    result_files: list[str]
    status: Status
    training_file: str
    validation_file: str | None
    hyperparameters: Hyperparameters
    method: MethodObject
    trained_tokens: int | None
    error: JobFailure | None
    seed: int
    estimated_finish: int | None
    integrations: list[Any] = []
    metadata: dict[str, str] | None
    studio: StudioFacts


class JobList(BaseModel):
    object: Literal["list"] = "list"
    data: list[JobObject]
    has_more: bool


class EventObject(BaseModel):
    id: str
    object: Literal["fine_tuning.job.event"] = "fine_tuning.job.event"
    created_at: int
    level: Literal["info", "warn", "error"]
    message: str
    type: Literal["message", "metrics"]
    data: dict[str, Any]


class EventList(BaseModel):
    object: Literal["list"] = "list"
    data: list[EventObject]
    has_more: bool


class CheckpointObject(BaseModel):
    """The checkpoint of a run whose weights the model has: `fine_tuned_model_checkpoint` is the model's id."""

    id: str
    object: Literal["fine_tuning.job.checkpoint"] = "fine_tuning.job.checkpoint"
    created_at: int
    fine_tuning_job_id: str
    fine_tuned_model_checkpoint: str
    step_number: int
    metrics: dict[str, float]


class CheckpointList(BaseModel):
    object: Literal["list"] = "list"
    data: list[CheckpointObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


STATUSES: Final[Mapping[str, Status]] = {
    "pending": "queued",
    "validating": "validating_files",
    "queued": "queued",
    "running": "running",
    "paused": "queued",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}
