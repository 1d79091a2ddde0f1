"""What a provider is: where training runs. What a provider cannot do is not offered by the screens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from core.models.base_models.records import BaseModelRef
from core.models.methods import Method
from core.training.forecast.disk import DiskForecast
from core.training.forecast.lengths import Lengths
from core.training.forecast.memory import MemoryForecast
from core.training.forecast.time import CostForecast, Speed, TimeForecast
from core.training.jobs.spec import ResolvedTraining
from core.training.precision import PrecisionChoice

if TYPE_CHECKING:
    from core.platform.db.uow import UnitOfWork
    from core.platform.tasks.records import TaskRecord


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do with a job."""

    methods: tuple[str, ...]
    pause: bool  # and resume
    stop_and_keep: bool  # stop early with a model; make a model of the last checkpoint of a run that ended
    live_metrics: bool  # points arrive while it trains

    @property
    def withheld(self) -> frozenset[str]:
        """The actions on a job that the provider cannot do."""
        lacks_pause = () if self.pause else ("pause", "resume")
        return frozenset((*lacks_pause, *(() if self.stop_and_keep else ("stop", "keep"))))


@dataclass(frozen=True, slots=True)
class Workload:
    """What a provider is asked to estimate. `speed` was measured before on similar work; None: never.

    `sample_tokens` are those of the longest sample answer, at most; 0: there is none.
    """

    base: BaseModelRef
    method: Method
    training: ResolvedTraining
    counted: Lengths  # of the training examples
    train_examples: int
    validation_examples: int
    speed: Speed | None
    precision: PrecisionChoice
    sample_tokens: int

    @property
    def lengths(self) -> Lengths:
        """The lengths with loss where the run has it."""
        return self.counted if self.training.completion_only_loss else self.counted.with_loss_everywhere()

    @property
    def total_tokens(self) -> int:
        """Non-pad tokens of all epochs."""
        training = self.training
        return self.lengths.tokens_trained(training.max_seq_length, training.over_length) * training.num_epochs


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run needs."""

    memory: MemoryForecast
    time: TimeForecast
    cost: CostForecast | None  # where a price per hour is set
    disk: DiskForecast


class Provider(Protocol):
    """One entry of the registry. The work itself is a background task, which `create` inserts."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def hosted(self) -> bool:
        """It is reached through a connection, which a job names."""

    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def key_hosts(self) -> Mapping[str, tuple[str, ...]]:
        """The environment variables that hold a key for it, each with the hosts that the key is for."""

    def estimate(self, load: Workload) -> Estimate:
        """What a run will need here."""

    def create(
        self,
        uow: UnitOfWork,
        *,
        job_id: str,
        title: str,
        draft_key: str | None,
        after_task_id: str | None,
        not_before: float | None = None,
    ) -> tuple[TaskRecord, bool]:
        """Insert the task that does the job's work, inside the caller's transaction.

        Args:
            not_before: Unix seconds; it starts then. None: as soon as possible.

        Returns:
            The task and True; or the task that the same draft has already created, and False.
        """

    def poll(self, task: TaskRecord) -> TaskRecord:
        """The task as the provider sees it now; called whenever a job is read, so it must be fast."""

    def request(self, task_id: str, action: str) -> TaskRecord:
        """Act on a run: cancel, pause, resume, stop, keep or retry (see `core.platform.tasks.commands.request`).

        Called only with actions that the capabilities allow. Raises InvalidTransition where the state forbids it.
        """
