"""What a hosted training service is: files go there, a job runs there, and a model, at best an adapter, comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from core.models.llm.base import Endpoint

RemoteState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
AUTO: Final = "auto"  # a hyperparameter that the service chooses


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One setting as the service names and bounds it.

    Args:
        place: where it goes in the request, by keys joined with dots.
        auto: the service can choose it.
    """

    name: str
    title: str
    help: str
    kind: Literal["int", "float", "bool", "choice"]
    place: str
    default: Any = AUTO
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    auto: bool = True


@dataclass(frozen=True, slots=True)
class FileRules:
    """What the service takes as a training file; checked before a byte is sent."""

    purpose: str
    max_bytes: int
    min_examples: int
    max_examples: int | None = None
    weights: bool = False  # `weight` on assistant messages
    tools: bool = False


@dataclass(frozen=True, slots=True)
class HostedBase:
    """A base model that the service trains now.

    Args:
        price_usd: for 1,000,000 training tokens; None: the service does not say.
        shutdown_date: YYYY-MM-DD after which it no longer answers; "" if none is announced.
    """

    id: str
    title: str = ""
    methods: tuple[str, ...] = ("lora",)
    context_length: int | None = None
    price_usd: float | None = None
    shutdown_date: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)  # what the service says besides; never fatal


@dataclass(frozen=True, slots=True)
class HostedRun:
    """What is submitted. `intent` is unique and goes along, so that the job can be found again after a crash."""

    intent: str
    name: str
    base_model: str
    method: str
    training_file: str
    validation_file: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class HostedEvent:
    """Something that happened there, the oldest first."""

    id: str
    created_at: float  # epoch seconds
    message: str
    level: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class HostedPoint:
    """Measured at one step, by ids of `core.training.metrics.METRICS`."""

    step: int
    split: Literal["train", "validation"]
    measured: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class HostedCheckpoint:
    """A checkpoint there; `files` can be downloaded, `model` answers there."""

    id: str
    step: int
    model: str = ""
    files: tuple[str, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostedStatus:
    """A job as the service sees it now.

    Args:
        provider_status: its own word, shown as "running (provider says ...)" where it is not known.
        progress: 0 to 1; None where the service does not say.
        model: the id of the tuned model there, once it answers.
        usd: the final bill, where the service gives it.
    """

    state: RemoteState
    provider_status: str
    known: bool = True
    progress: float | None = None
    trained_tokens: int | None = None
    step: int | None = None
    total_steps: int | None = None
    finish_at: float | None = None
    model: str = ""
    usd: float | None = None
    error: str = ""
    error_remedy: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostedCapabilities:
    """What the service offers besides create, poll and cancel."""

    methods: tuple[str, ...]
    pause: bool = False
    checkpoints: bool = False
    adapter: bool = False  # the adapter can be downloaded
    price_call: bool = False  # it has its own estimate


class HostedService(Protocol):
    """One entry of the registry `HOSTED_SERVICES`. Every call raises LlmError with a remedy where the service fails;
    `retryable` errors (429, 500, timeouts) are those that the caller tries again later."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str:
        """What one should know before choosing it: dates, who gets the data, whether the adapter comes back."""

    @property
    def default_url(self) -> str: ...
    @property
    def capabilities(self) -> HostedCapabilities: ...
    @property
    def file_rules(self) -> FileRules: ...
    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]: ...
    @property
    def key_hosts(self) -> Mapping[str, tuple[str, ...]]: ...

    def base_models(self, endpoint: Endpoint) -> list[HostedBase]:
        """The bases that can be trained there now."""

    def upload(self, endpoint: Endpoint, path: Path, *, sha256: str, earlier: str = "") -> str:
        """The id of the uploaded file. `earlier` is an id from before a crash: it is used if it is complete there."""

    def submit(self, endpoint: Endpoint, run: HostedRun) -> str:
        """Create the job; its id there."""

    def find(self, endpoint: Endpoint, intent: str) -> str:
        """The id of the job that carries this intent; "" if there is none."""

    def status(self, endpoint: Endpoint, remote_id: str) -> HostedStatus: ...

    def events(self, endpoint: Endpoint, remote_id: str, *, after: str = "") -> Sequence[HostedEvent]: ...

    def points(self, endpoint: Endpoint, remote_id: str) -> Sequence[HostedPoint]: ...

    def checkpoints(self, endpoint: Endpoint, remote_id: str) -> Sequence[HostedCheckpoint]: ...

    def act(self, endpoint: Endpoint, remote_id: str, action: Literal["cancel", "pause", "resume"]) -> None: ...

    def fetch(self, endpoint: Endpoint, remote_id: str, into: Path) -> bool:
        """Download the adapter into a folder, in PEFT's layout, verified; False where the service does not give it."""

    def estimate_usd(self, endpoint: Endpoint, run: HostedRun) -> float | None:
        """The service's own estimate; None where it has none."""
