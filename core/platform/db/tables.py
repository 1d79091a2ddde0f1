"""Every table of the studio. All `*_at` columns are Unix seconds (UTC) as floats, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


def _json(**kwargs: Any) -> Any:
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False, **kwargs))


def _json_list(**kwargs: Any) -> Any:
    return Field(default_factory=list, sa_column=Column(JSON, nullable=False, **kwargs))


def _big(**kwargs: Any) -> Any:
    """Bytes and tokens: PostgreSQL's INTEGER ends at 2.1 billion."""
    return Field(sa_type=BigInteger, **kwargs)


def _text(default: str = "") -> Any:
    return Field(default=default, sa_column=Column(Text, nullable=False))


class Source(SQLModel, table=True):
    """A stored upload, exactly as it came."""

    __tablename__ = "sources"
    id: str = Field(primary_key=True)
    filename: str
    sha256: str = Field(index=True)
    size_bytes: int = _big()
    format: str = ""
    encoding: str = ""
    detection: dict[str, Any] = _json()  # dialect, header, array path: what was detected, as shown
    path: str  # storage key of the bytes
    origin: str = Field("upload", sa_column_kwargs={"server_default": "upload"})  # upload | path | url | sample
    created_at: float = Field(default_factory=time.time)


class FineTuningDataset(SQLModel, table=True):
    """A dataset: a name and its newest version."""

    __tablename__ = "fine_tuning_datasets"
    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    description: str = _text()
    state: str = "not_validated"  # validated | failed | not_validated
    current_version_id: str | None = None
    origin: str = ""  # upload | convert | smart | chat_import | mix | sample | cli
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
    size_bytes: int = _big()
    manifest: dict[str, Any] = _json()
    parents: list[str] = _json_list()
    created_at: float = Field(default_factory=time.time)


class TrainingExample(SQLModel, table=True):
    """An example written one by one in the app, until it is gathered into a version."""

    __tablename__ = "training_examples"
    id: str = Field(primary_key=True)
    dataset_id: str = Field(foreign_key="fine_tuning_datasets.id", index=True)
    messages: list[dict[str, Any]] = _json_list()
    tools: list[dict[str, Any]] = _json_list(server_default="[]")
    rejected: list[dict[str, Any]] = _json_list(server_default="[]")  # of a preference pair
    origin: str = "manual"
    version_id: str | None = None  # set once gathered
    created_at: float = Field(default_factory=time.time)


class Draft(SQLModel, table=True):
    """A wizard in progress; its address shows the same step and choices in any browser."""

    __tablename__ = "drafts"
    id: str = Field(primary_key=True)
    kind: str = Field(index=True)  # convert | job | chat_import
    step: str = ""
    state: dict[str, Any] = _json()
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
    prices: dict[str, Any] = _json()  # {model: {"input": USD, "output": USD}} per 1,000,000 tokens
    settings: dict[str, Any] = _json()  # timeout_s, concurrency
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)


class SmartRow(SQLModel, table=True):
    """What a model made of one row: committed as soon as the answer is there, so that no row is paid for twice."""

    __tablename__ = "smart_rows"
    __table_args__ = (UniqueConstraint("task_id", "position"),)
    id: int | None = Field(default=None, primary_key=True)
    task_id: str = Field(foreign_key="background_tasks.id", index=True)
    position: int  # of the row among the readable ones, from 0
    line: int  # physical line in the source
    state: str  # ok | failed | empty | duplicate
    reason: str = _text()  # why it failed
    examples: list[dict[str, Any]] = _json_list()  # [{"messages": [...], "flags": [...]}]
    prompt_tokens: int = _big(default=0)
    completion_tokens: int = _big(default=0)
    cost_usd: float = 0.0
    attempts: int = 1
    created_at: float = Field(default_factory=time.time)


class BackgroundTask(SQLModel, table=True):
    """One piece of long work. This row is the truth; Redis only wakes a worker up (docs/architecture.md, Tasks)."""

    __tablename__ = "background_tasks"
    __table_args__ = (Index("ix_background_tasks_state_queue", "state", "queue"),)
    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    title: str = ""
    queue: str  # gpu | cpu | io
    payload: dict[str, Any] = _json()
    idempotency_key: str | None = Field(default=None, unique=True)
    after_task_id: str | None = Field(default=None, index=True)  # starts only when that one has succeeded
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
    message: str = _text()
    error: dict[str, Any] = _json()  # {message, remedy, cause, error_id}
    result: dict[str, Any] = _json()
    announced_at: float | None = None
    created_at: float = Field(default_factory=time.time, index=True)
    started_at: float | None = None
    finished_at: float | None = None
    updated_at: float = Field(default_factory=time.time)
    archived_at: float | None = None  # hidden from the list until it is restored


class FineTuningJob(SQLModel, table=True):
    """A fine-tuning job; its status is its task's state."""

    __tablename__ = "fine_tuning_jobs"
    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    description: str = _text()
    task_id: str = Field(foreign_key="background_tasks.id", unique=True)
    dataset_id: str = Field(foreign_key="fine_tuning_datasets.id", index=True)
    dataset_version_id: str = Field(foreign_key="dataset_versions.id")
    provider: str = "local"
    base_model: str
    method: str
    spec: dict[str, Any] = _json()  # the frozen JobSpec
    draft_key: str | None = Field(default=None, unique=True)  # one job per draft, however often launch is pressed
    parent_job_id: str | None = None
    forecast: dict[str, Any] = _json()
    measured: dict[str, Any] = _json()
    created_at: float = Field(default_factory=time.time)
    archived_at: float | None = None  # hidden from lists until it is restored
    deleted_at: float | None = None  # its model, if there is one, still refers to it


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
    size_bytes: int = _big(default=0)
    manifest: dict[str, Any] = _json()
    notes: str = _text()
    created_at: float = Field(default_factory=time.time)


class Deployment(SQLModel, table=True):
    """A model that is published on a target."""

    __tablename__ = "deployments"
    __table_args__ = (UniqueConstraint("model_id", "target", "address"),)
    id: str = Field(primary_key=True)
    model_id: str = Field(foreign_key="fine_tuned_models.id", index=True)
    target: str  # an id in core.serving.targets.TARGETS
    address: str = ""  # of the server; "" for what runs in the studio
    name: str = ""  # of the model there
    route: str = _text()  # how it got there, as text
    details: dict[str, Any] = _json()  # the target's own: paths, digests, measured speeds
    smoke: dict[str, Any] = _json()  # the smoke test (core.serving.deployments.records.SmokeTest)
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)


class ModelTag(SQLModel, table=True):
    """A short word on a model."""

    __tablename__ = "model_tags"
    id: str = Field(primary_key=True)
    model_id: str = Field(foreign_key="fine_tuned_models.id")
    tag: str = Field(index=True)
    __table_args__ = (UniqueConstraint("model_id", "tag"),)


class FineTuningEvent(SQLModel, table=True):
    """Something that happened to a task or job, for the timeline, the toast and the log."""

    __tablename__ = "fine_tuning_events"
    id: int | None = Field(default=None, primary_key=True)
    task_id: str = Field(foreign_key="background_tasks.id", index=True)
    kind: str  # state | checkpoint | evaluation | data | log | recovery
    level: str = "info"  # info | warning | error
    message: str = _text()
    data: dict[str, Any] = _json()
    created_at: float = Field(default_factory=time.time, index=True)


class MetricPoint(SQLModel, table=True):
    """One measured point of a run. A `step` is an optimizer step; a resumed run replaces what it computes again."""

    __tablename__ = "metric_points"
    __table_args__ = (UniqueConstraint("job_id", "step", "split"),)
    id: int | None = Field(default=None, primary_key=True)
    job_id: str = Field(foreign_key="fine_tuning_jobs.id", index=True)
    split: str = "train"  # train | validation
    step: int
    measured: dict[str, float] = _json(server_default="{}")  # {metric: value}, by ids of core.training.metrics.METRICS
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
    messages: list[dict[str, Any]] = _json_list()  # the conversation up to the answer
    expected: str = _text()  # "" where a person typed the prompt
    answer: str = _text()
    cut: bool = False  # the answer reached the most tokens that were allowed
    created_at: float = Field(default_factory=time.time)


class ChatConversation(SQLModel, table=True):
    """A conversation with models; each turn is a row of `conversation_turns`."""

    __tablename__ = "conversations"
    id: str = Field(primary_key=True)
    title: str  # of the first input, until it is renamed
    renamed: bool = False
    model_id: str = ""  # that answered last, by its id on the server
    system: str = _text()  # the system message of the next input
    settings: dict[str, Any] = _json()  # of the next input: max_tokens, temperature
    revision: int = 0  # grows with every change, so that another window notices it
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time, index=True)


class ChatTurn(SQLModel, table=True):
    """An input, or an answer with what produced it. Names and hashes are stored: the model may be deleted later."""

    __tablename__ = "conversation_turns"
    __table_args__ = (UniqueConstraint("conversation_id", "position"),)
    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversations.id", index=True)
    position: int  # in the conversation, from 0
    role: str  # user | assistant
    content: str = _text()
    state: str = "complete"  # of an answer: running | complete | stopped | interrupted | failed
    model_id: str = ""  # on the server; of an answer, as everything below
    model_name: str = ""
    base_model: str = ""
    adapter: str = ""  # SHA-256 of the tuned weights; "" for a base
    template_hash: str = ""  # SHA-256 of the chat template
    system: str = _text()  # the system message that was sent
    settings: dict[str, Any] = _json()  # max_tokens, temperature
    finish_reason: str = ""  # stop | length
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_s: float | None = None
    seconds: float = 0.0
    error: dict[str, Any] = _json()  # {message, remedy} of a failed answer
    created_at: float = Field(default_factory=time.time)
    updated_at: float = Field(default_factory=time.time)  # a running answer renews it every second


class Calibration(SQLModel, table=True):
    """Seconds per step and memory that a few real steps took on this machine, for the forecast."""

    __tablename__ = "calibrations"
    key: str = Field(primary_key=True)  # hash of base model, method, its config, batch and length, device
    device: str
    tokens_per_s: float
    overhead_s: float
    peak_memory_bytes: int = _big()
    details: dict[str, Any] = _json()
    created_at: float = Field(default_factory=time.time)


class ApiKey(SQLModel, table=True):
    """A key of the API. Only its hash is stored; lists show its prefix."""

    __tablename__ = "api_keys"
    id: str = Field(primary_key=True)
    name: str
    prefix: str = Field(unique=True)  # the beginning of the key
    hash: str  # Argon2, of all of the key
    scopes: list[str] = _json_list()
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
    response: str = _text()
    created_at: float = Field(default_factory=time.time, index=True)


# For queries that return columns instead of objects
_tables = SQLModel.metadata.tables
DATASETS, VERSIONS = _tables["fine_tuning_datasets"], _tables["dataset_versions"]
TASKS, EVENTS = _tables["background_tasks"], _tables["fine_tuning_events"]
JOBS, MODELS, DEPLOYMENTS = _tables["fine_tuning_jobs"], _tables["fine_tuned_models"], _tables["deployments"]
MODEL_TAGS = _tables["model_tags"]
CONVERSATIONS, TURNS = _tables["conversations"], _tables["conversation_turns"]
POINTS, ANSWERS, CALIBRATIONS = _tables["metric_points"], _tables["sample_answers"], _tables["calibrations"]
API_KEYS, SOURCES = _tables["api_keys"], _tables["sources"]
API_REQUESTS = _tables["api_requests"]
