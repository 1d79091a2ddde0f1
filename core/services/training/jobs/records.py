"""Frozen records of fine-tuning jobs and of the forecast before launch: what screens and the command line read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from core.platform.tasks.states import TERMINAL
from core.services.training.hosted.records import HostedFacts
from core.training.engines import Choice
from core.training.forecast.disk import DiskForecast
from core.training.forecast.lengths import Lengths
from core.training.forecast.memory import MemoryForecast
from core.training.forecast.refusals import Refusals
from core.training.forecast.time import CostForecast, TimeForecast
from core.training.jobs.spec import JobSpec, ResolvedTraining
from core.training.metrics import METRICS, Point, RunMetric
from core.training.precision import PrecisionChoice

# The times of a run, each with one name.
DURATION: Final = "Duration"  # from its start to its end: with loading, pauses and what came between
TIME_IN_STEPS: Final = "Time in steps"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A fine-tuning job as it is now: its row, its task, and its last metric points. All `*_at` are Unix seconds.

    `state`, `progress` (0-100), `phase`, `message` and `error` {message, remedy, cause} are its task's. `actions` are
    possible now: pause, stop, cancel, resume, retry, keep; without its dataset it cannot run again.
    """

    id: str
    name: str
    description: str
    task_id: str
    dataset_id: str
    dataset_name: str
    dataset_deleted: bool
    dataset_version_id: str
    provider: str
    provider_title: str
    live_metrics: bool  # its points arrive while it trains
    base_model: str
    base_title: str
    method: str
    method_title: str
    spec: JobSpec
    examples: int  # number of labeled examples to train on
    validation_examples: int
    parent_job_id: str | None
    model_id: str | None
    state: str
    reason: str
    progress: float
    phase: str
    message: str
    error: dict[str, Any]
    command: str
    attempt: int
    crashes: int
    waiting_to_resume: bool
    waiting_reason: str | None  # why no worker is working on it, if one should
    point: Point | None  # the last training point
    validation_point: Point | None
    kept_points: tuple[Point | None, Point | None]  # of training and validation, at the step whose weights are kept
    duration_s: float | None  # from its start to its end, or to now
    time_left_s: float | None
    forecast: dict[str, Any]
    measured: dict[str, Any]
    actions: tuple[str, ...]
    checkpoint_step: int  # of the last good checkpoint of a job that did not finish; 0 if there is none
    created_at: float
    started_at: float | None
    finished_at: float | None
    archived_at: float | None = None
    starts_at: float | None = None  # it waits for this time
    hosted: HostedFacts | None = None  # None: it is trained here

    @property
    def step(self) -> int:
        return self.point.step if self.point else 0

    @property
    def epoch(self) -> float:
        return self.point.epoch if self.point else 0.0

    @property
    def loss(self) -> float | None:
        """The final loss once there is a model; before that the loss of the last step."""
        return self.final(METRICS.get("loss"))

    @property
    def final_loss(self) -> float | None:
        """The loss of the step whose weights the model has; None without a model."""
        return self.loss if self.model_id else None

    def final(self, metric: RunMetric) -> float | None:
        """A metric of the entire run: as the run measured it, else at the step whose weights the model has.

        Before there is a model: at the last step.
        """
        if metric.final and self.measured.get(metric.final) is not None:
            return float(self.measured[metric.final])
        point = self.kept_points[0] or self.point
        return point.value(metric.id) if point else None

    def final_validation(self, metric: RunMetric) -> float | None:
        """As `final`, on held-out examples."""
        if metric.id == "loss" and self.measured.get("validation_loss") is not None:
            return float(self.measured["validation_loss"])
        point = self.kept_points[1] or self.validation_point
        return point.value(metric.id) if point else None

    @property
    def precision(self) -> tuple[str, str]:
        """What the run computes in, and the reason: as its worker settled it, before that as it was forecast. Both are
        "" for a job of an earlier release."""
        source = self.measured if self.measured.get("precision") else self.forecast
        return str(source.get("precision") or ""), str(source.get("precision_reason") or "")

    @property
    def total_steps(self) -> int:
        """0 where a service does not say."""
        return self.hosted.total_steps if self.hosted else self.spec.training.total_steps

    @property
    def num_epochs(self) -> int:
        return self.spec.training.num_epochs

    @property
    def is_terminal(self) -> bool:
        return self.state in TERMINAL


@dataclass(frozen=True, slots=True)
class ServingPlace:
    """Whether a trained model could be served somewhere, before it is trained. `works_here`: the studio itself serves
    it there."""

    target: str
    ok: bool
    reason: str
    works_here: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """Everything to know before launch. `sources` names for each setting the origin of its value."""

    training: ResolvedTraining
    sources: dict[str, str]
    trainable_params: int
    params: int
    memory: MemoryForecast
    time: TimeForecast
    cost: CostForecast | None  # if a price per hour is set
    disk: DiskForecast
    lengths: Lengths
    refusals: Refusals
    over_length: int
    answers_lost: int
    total_tokens: int  # non-pad tokens of all epochs
    serving: tuple[ServingPlace, ...]
    warnings: tuple[str, ...]
    calibration_key: str
    engine: Choice
    precision: PrecisionChoice  # of the run, as far as it can be known before it

    def to_dict(self) -> dict[str, Any]:
        """The part that is stored with the job, to compare with what the run measures."""
        return {
            "memory_low": self.memory.low,
            "memory_high": self.memory.high,
            "memory_expected": self.memory.expected,
            "memory_above_baseline": self.memory.above_baseline,
            "memory_parts": dict(self.memory.parts),
            "memory_verdict": self.memory.verdict,
            "time_low_s": self.time.low_s,
            "time_high_s": self.time.high_s,
            "time_expected_s": self.time.expected_s,
            "total_tokens": self.total_tokens,
            "total_steps": self.training.total_steps,
            "disk_bytes": self.disk.peak_bytes,
            "model_bytes": self.disk.model_bytes,
            "device": self.memory.device,
            "calibration_key": self.calibration_key,
            "precision": self.precision.label,
            "precision_reason": self.precision.reason,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of *forecast and measured*: values as text, whether the measured one is in the forecast range, and the
    error of the forecast as a share of the measured value (0.1: ten percent too much). If the forecast is a range,
    `outside` is how far the measured value is from it, as a share of the nearest end (0: within; 0.1: ten percent
    above)."""

    name: str
    forecast: str
    measured: str
    within: bool | None
    error: float | None = None
    outside: float | None = None

    @property
    def verdict(self) -> str:
        """`within the range`, `8% above the range`, `12% too high`; "" where nothing can be compared."""
        if self.within is None:
            return ""
        if self.outside is not None:
            return _distance(self.outside)
        if self.within or self.error is None:
            return "as forecast"
        return f"{abs(100 * self.error):.0f}% too {'high' if self.error > 0 else 'low'}"


@dataclass(frozen=True, slots=True)
class Alternative:
    """A change that would fit: its description with the memory it needs, and its choices for `forecast`."""

    text: str
    method: str
    method_config: dict[str, Any]
    training: dict[str, Any]


def _distance(outside: float, name: str = "range") -> str:
    """`within the range`, `8% above the range`, `12% below the range`."""
    if not outside:
        return f"within the {name}"
    return f"{max(1, round(abs(100 * outside)))}% {'above' if outside > 0 else 'below'} the {name}"


@dataclass(frozen=True, slots=True)
class RangeRecord:
    """How often what was measured was in the range of its forecast. `farthest` is the largest distance from it."""

    name: str
    runs: int
    within: int
    farthest: float

    @property
    def text(self) -> str:
        """`Peak memory was within the forecast range in 9 of the last 10 runs, otherwise 8% above it.`"""
        if self.runs == 1:
            return f"{self.name} was {_distance(self.farthest, 'forecast range')} in the last run."
        which = "all of" if self.within == self.runs else f"{self.within} of"
        text = f"{self.name} was within the forecast range in {which} the last {self.runs} runs"
        if self.within == self.runs:
            return f"{text}."
        most = "at most " if self.runs - self.within > 1 else ""
        far = f"{max(1, round(abs(100 * self.farthest)))}% {'above' if self.farthest > 0 else 'below'} it"
        return f"{text}, otherwise {most}{far}."


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """The accuracy of the last runs' forecasts, for each kind that some run measured."""

    kinds: tuple[RangeRecord, ...] = ()

    @property
    def text(self) -> str:
        """A sentence for each kind; "" before the first run."""
        return " ".join(kind.text for kind in self.kinds)
