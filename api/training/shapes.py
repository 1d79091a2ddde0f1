"""Jobs and models as the API shows them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.platform.described import MethodSettings
from api.platform.records import Renamed, Shown
from core.services.serving.publishing import DeploymentRecord
from core.services.training.choices import AUTO, DEFAULT_PROVIDER, TrainingConfig


class CheckpointShown(Shown):
    """A checkpoint at a hosted service; `model` answers there, if it is not empty."""

    id: str
    step: int
    model: str


class HostedShown(Shown):
    """How a job is doing at its hosted service, as of the last look. `remote_status` is the service's own word."""

    service: str
    connection_id: str
    connection: str
    host: str
    remote_id: str
    remote_status: str
    model: str
    checkpoints: list[CheckpointShown]
    trained_tokens: int | None
    estimated_usd: float | None
    billed_usd: float | None
    trouble: str


class JobShown(Shown):
    """A fine-tuning job. `actions` are possible now; times are Unix seconds."""

    id: str
    name: str
    description: str
    task_id: str
    state: str
    reason: str
    progress: float
    phase: str
    message: str
    error: dict[str, Any]
    dataset_id: str
    dataset_name: str
    dataset_version_id: str
    base_model: str
    method: str
    provider: str
    model_id: str | None
    parent_job_id: str | None
    step: int
    total_steps: int
    epoch: float
    num_epochs: int
    examples: int
    loss: float | None
    actions: list[str]
    checkpoint_step: int
    waiting_reason: str | None
    time_left_s: float | None
    forecast: dict[str, Any]
    measured: dict[str, Any]
    created_at: float
    started_at: float | None
    finished_at: float | None
    archived_at: float | None
    starts_at: float | None = None
    hosted: HostedShown | None = None


class JobChoices(BaseModel):
    """What a job trains on, and how. Settings that are left out are chosen automatically."""

    dataset_id: str = Field(max_length=200, description="id or name of a validated dataset")
    base_model: str = Field(default="starter", max_length=500)
    method: str = Field(default="lora", max_length=60)
    method_config: MethodSettings = Field(default_factory=dict)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    engine: str = Field(default=AUTO, max_length=60)
    provider: str = Field(default=DEFAULT_PROVIDER, max_length=60)
    connection: str = Field(
        default="",
        max_length=200,
        description="name or id of a connection that trains, instead of this machine; base_model and method are then "
        "the service's",
    )
    hyperparameters: dict[Annotated[str, Field(max_length=60)], int | float | bool | str] = Field(
        default_factory=dict, max_length=60, description="of a hosted job, by the service's own names"
    )


class JobToEstimate(JobChoices):
    """A job before it is launched."""

    ask_service: bool = Field(
        default=False,
        description="send the training file for the service's own estimate, where it makes one; nothing is trained",
    )


class NewJob(JobChoices):
    """A new fine-tuning job."""

    name: str = Field(default="", max_length=120, description="empty: one is proposed")
    description: str = Field(default="", max_length=2_000)
    start_at: float | None = Field(default=None, description="Unix seconds; null: as soon as possible")


class PointShown(Shown):
    """What was measured at a step. `id` grows; send the last one as `since`."""

    id: int
    split: str
    step: int
    values: dict[str, float]
    created_at: float


class HostedCost(Shown):
    """The range of what a hosted job costs, in US dollars; null where no price is known.

    `tokens` are those of one epoch; `epochs` the fewest and the most; `price_usd` is for 1,000,000 tokens.
    """

    low_usd: float | None
    high_usd: float | None
    tokens: int
    epochs: tuple[int, int]
    price_usd: float | None
    as_of: str
    exact: bool = Field(description="the base's own tokenizer counted every example, and the epochs are fixed")
    source: str
    basis: str
    remedy: str
    service_usd: float | None = Field(description="the service's own estimate; null where it makes none")
    service_text: str = Field(description="that estimate beside the range, or why there is none yet")
    can_ask: bool = Field(description="it would estimate if the training file were sent (`ask_service`)")


class Estimated(BaseModel):
    """What is known of a job before it is launched; memory in bytes, times in seconds. Of a hosted job: its cost."""

    hosted_cost: HostedCost | None = Field(default=None, description="of a job at a connection")
    forecast: dict[str, Any] = Field(default_factory=dict)
    cost: dict[str, Any] | None = Field(default=None, description="null where no price per hour is set")
    training: dict[str, Any] = Field(default_factory=dict)
    sources: dict[str, str] = Field(default_factory=dict, description="where each setting comes from")
    trainable_params: int = 0
    warnings: list[str] = Field(default_factory=list)
    engine: str = ""
    precision: str = ""


class ModelShown(Shown):
    """A fine-tuned model. `state` is active or archived."""

    id: str
    name: str
    state: str
    version: int
    job_id: str
    job_name: str
    dataset_id: str
    dataset_name: str
    base_model: str
    method: str
    final_loss: float | None
    size_bytes: int
    weights_hash: str
    notes: str
    tags: list[str]
    created_at: float


class ModelChange(Renamed):
    """A change of a model; what is left out remains."""

    notes: str | None = Field(default=None, max_length=20_000)


class Deployed(BaseModel):
    """How programs ask a model."""

    model: ModelShown
    base_url: str
    names: list[str]


class ServiceDeployment(BaseModel):
    """A model at the service that trained it. `state` is starting, active, failed or retired; ask it by `name`."""

    name: str
    address: str
    state: str
    provider_status: str
    reason: str
    compared: str = Field(description="its answers beside those of this studio")

    @classmethod
    def of(cls, found: DeploymentRecord) -> Self:
        names = ("state", "provider_status", "reason")
        facts = {name: str(found.details.get(name) or "") for name in names}
        return cls(name=found.name, address=found.address, compared=found.smoke.summary, **facts)


class FormatShown(Shown):
    """A format of a model's files. `ready`: its size in bytes once it is written; `expected`: about, before that."""

    id: str
    title: str
    text: str
    ok: bool
    reason: str
    quick: bool
    ready: int | None
    expected: int


class Csv(Response):
    """A table as text."""

    media_type = "text/csv"
