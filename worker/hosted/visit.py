"""One visit of a job: the service, the way to it, and the row of the submission."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from core.errors import DataError, NotFound, ProviderError
from core.models.llm.base import Endpoint
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.platform import connections
from core.services.training import hosted
from core.services.training.hosted import HostedRunRecord
from core.services.training.jobs import reader as job_reader
from core.services.training.jobs.records import JobRecord
from core.settings import get_settings
from core.training.jobs.spec import HostedChoice
from core.training.providers.hosted import HostedService
from core.training.providers.hosted_services import HOSTED_SERVICES

OVER: Final = frozenset({"failed", "cancelled"})  # states there after which a retry is a new submission


@dataclass
class Visit:
    """What the steps of a visit share."""

    ctx: TaskContext
    job: JobRecord
    choice: HostedChoice
    service: HostedService
    run: HostedRunRecord

    @property
    def endpoint(self) -> Endpoint:
        """Address and key, as they are now.

        Raises:
            ProviderError: the connection was deleted. ProviderKeyMissing, SettingsError: its key is missing.
        """
        try:
            return connections.endpoint_of(self.choice.connection_id)
        except NotFound as error:
            there = f" It goes on there as {self.run.remote_id}." if self.run.remote_id else ""
            raise ProviderError(
                f"The connection “{self.choice.connection}” was deleted, so this job cannot be followed.{there}",
                "Start a new job with another connection; cancel this one at the service.",
            ) from error

    def note(self, also: Callable[[UnitOfWork], None] | None = None, **columns: Any) -> None:
        """Set columns of the submission in a fenced transaction, with what else belongs into it."""

        def write(uow: UnitOfWork) -> None:
            if columns:
                hosted.change(uow, self.run.intent, columns)
            if also:
                also(uow)

        self.ctx.write(write)
        self.ctx.saved()  # earlier crashes do not count: the next visit continues here
        self.run = replace(self.run, **columns)

    def again(self, times: int = 0) -> Outcome:
        """Come again after the usual time, twice as late for each failure before."""
        return Outcome("waiting", again_in_s=pause_s(times))


def pause_s(failures: int) -> float:
    """Seconds until the next visit: 30 by default, at most LONGEST_S."""
    return float(min(get_settings().poll_s * 2 ** min(failures, 10), max(LONGEST_S, get_settings().poll_s)))


LONGEST_S: Final = 900.0


def begin(ctx: TaskContext) -> Visit:
    """The visit of a task. The intent is written on the first one, and on the first one of a retry after the job has
    ended there without a model.

    Raises:
        DataError: the job was deleted. ProviderError: this release does not have its service.
    """
    job = job_reader.find_by_task(ctx.task.id)
    if job is None or job.spec.hosted is None:
        raise DataError("The job of this task no longer exists.", "Start a new one.")
    choice = job.spec.hosted
    if choice.service not in HOSTED_SERVICES:
        raise ProviderError(f"This release does not have the service {choice.service!r}.", "Update the studio.")
    run = hosted.newest(job.id)
    if run is None or run.state in OVER:
        before = run
        ctx.write(lambda uow: hosted.begin(uow, job.id, choice, like=before) if _same(job.id, before) else "")
        ctx.saved()
        run = hosted.newest(job.id)
    assert run is not None
    return Visit(ctx, job, choice, HOSTED_SERVICES.get(choice.service), run)


def _same(job_id: str, before: HostedRunRecord | None) -> bool:
    """Whether the newest submission is still this one: a write that is repeated after a lost answer writes once."""
    now = hosted.newest(job_id)
    return (now and now.intent) == (before and before.intent)
