"""What a hosted training service is: files go there, a job runs there, and a model, at best an adapter, comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol, runtime_checkable

from core.models.llm.base import Endpoint

RemoteState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
RemoteAction = Literal["cancel", "pause", "resume"]
Beat = Callable[[float], None]  # a sign of life during a transfer, with the share that is done (0 to 1)
AUTO: Final = "auto"  # a hyperparameter that the service chooses


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One setting as the service names and bounds it.

    Args:
        place: where it goes in the request, by keys joined with dots.
        default: what the service uses where nothing is sent; AUTO if it chooses.
        auto: the service can choose it. A setting that is left out, or AUTO, is not sent where it cannot be named.
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
    """A checkpoint there; `files` can be downloaded, `model` answers there ("" until it is deployed)."""

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
    deploy: bool = False  # a tuned model answers there only after `deploy` (`DeployingService`)
    metrics: bool = True  # points arrive while it trains


DeploymentState = Literal["starting", "active", "failed", "retired"]


@dataclass(frozen=True, slots=True)
class HostedDeployment:
    """A tuned model as the service serves it.

    Args:
        name: to ask it by.
        provider_status: its own word; an unknown one counts as starting (`known` is False).
        reason: the service's words about a failure.
    """

    name: str
    state: DeploymentState
    provider_status: str
    known: bool = True
    reason: str = ""


class HostedService(Protocol):
    """One entry of the registry `HOSTED_SERVICES`. Every call raises LlmError with a remedy where the service fails.

    `retryable` errors (429, 500, timeouts) are those that the caller tries again later, after `retry_after_s` where it
    is set. Nothing is retried here, so that a job is never created twice: after a failed `submit`, ask `find` first.
    The cause `gone`: the service no longer knows a job or file; `not_offered`: the account cannot train there.
    """

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
    @property
    def closes_on(self) -> str:
        """YYYY-MM-DD from which it takes no new jobs; "" if none is announced."""

    def check(self, endpoint: Endpoint) -> None:
        """One cheap request. Raises LlmError: the address has no fine-tuning, or the account or key cannot use it."""

    def base_models(self, endpoint: Endpoint) -> list[HostedBase]:
        """The bases that can be trained there now."""

    def upload(
        self, endpoint: Endpoint, path: Path, *, sha256: str, earlier: str = "", beat: Beat | None = None
    ) -> str:
        """The id of the uploaded file; one that is complete there already is used again.

        Args:
            path: a large file is sent in parts where the service has that, and `<path>.upload` beside it notes what has
                arrived, so that the next attempt continues there.
            sha256: of its bytes; part of its name there, by which it is found.
            earlier: an id from before a crash, tried first.
        """

    def submit(self, endpoint: Endpoint, run: HostedRun) -> str:
        """Create the job; its id there."""

    def find(self, endpoint: Endpoint, intent: str) -> str:
        """The id of the job that has this intent; "" if there is none."""

    def status(self, endpoint: Endpoint, remote_id: str) -> HostedStatus: ...

    def events(self, endpoint: Endpoint, remote_id: str, *, after: str = "") -> Sequence[HostedEvent]:
        """What happened after an event; measurements are in `points`."""

    def points(self, endpoint: Endpoint, remote_id: str, *, after: int = -1) -> Sequence[HostedPoint]:
        """What was measured after a step, in the order of steps; every point has a loss."""

    def checkpoints(self, endpoint: Endpoint, remote_id: str) -> Sequence[HostedCheckpoint]: ...

    def act(self, endpoint: Endpoint, remote_id: str, action: RemoteAction) -> None:
        """Cancel, pause or resume; an action on a job that has ended is not an error."""

    def fetch(self, endpoint: Endpoint, remote_id: str, into: Path, *, beat: Beat | None = None) -> bool:
        """Download the adapter into an empty folder, in PEFT's layout, verified; False where the service does not
        return it."""

    def estimate_usd(self, endpoint: Endpoint, run: HostedRun) -> float | None:
        """The service's own estimate; None where it has none."""


@runtime_checkable
class DeployingService(HostedService, Protocol):
    """A service where a tuned model answers after a call, by the token, and until it is retired."""

    def deploy(self, endpoint: Endpoint, remote_id: str, *, name: str) -> HostedDeployment:
        """Let the model of a job answer there. One that was deployed before is returned as it is."""

    def deployment(self, endpoint: Endpoint, name: str) -> HostedDeployment:
        """How a deployment is doing; `retired` where the service no longer knows it."""

    def retire(self, endpoint: Endpoint, name: str) -> None:
        """End it. One that the service no longer knows is not an error."""
