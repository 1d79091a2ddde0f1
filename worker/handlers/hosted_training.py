"""A job at a hosted service: each visit submits it or reads how it is doing, and the worker is free in between.

Progress is 0-10 while the dataset is checked, 10-20 while it is submitted, 20-95 while the service trains, 95-100 while
the model is fetched and registered.
"""

from __future__ import annotations

from typing import Final

from core.errors import ProviderError, ProviderKeyMissing, SettingsError, StudioError
from core.models.llm.failures import LlmError
from core.platform.tasks.context import Outcome, TaskContext
from worker.hosted import following, submission
from worker.hosted.visit import Visit, begin, pause_s

GONE_AFTER: Final = 3  # visits in a row in which the service did not know the job


def handle(ctx: TaskContext) -> Outcome:
    """One visit. What fails for a while is tried again later; a job that the service trains is never given up for it.

    Raises:
        StudioError: the job cannot be submitted, has failed there, or no longer exists there.
    """
    visit = begin(ctx)
    command = ctx.signal()
    try:
        if not visit.run.remote_id:
            if visit.run.attempted_at is None and command == "cancel":
                return Outcome("cancelled")
            submission.submit(visit)
        return following.follow(visit)
    except (LlmError, ProviderKeyMissing, SettingsError) as error:
        return _patiently(visit, error)


def _patiently(visit: Visit, error: StudioError) -> Outcome:
    """Wait, with the reason on the screen; or give up, where waiting does not help."""
    gone = isinstance(error, LlmError) and error.cause == "gone"
    submitted = bool(visit.run.remote_id)
    if gone and submitted and visit.run.failures + 1 >= GONE_AFTER:
        visit.note(state="failed")
        raise ProviderError(
            f"{visit.choice.connection} no longer knows this job ({visit.run.remote_id}).",
            "Look for it in the service's console. A retry submits the job again.",
        ) from error
    may_have_arrived = visit.run.attempted_at is not None and _unsure(error)
    if not (submitted or may_have_arrived or _passes(error)):
        raise error
    failures = visit.run.failures + 1
    trouble = f"{error.message} {error.remedy}".strip()
    if visit.run.failures == 0 or visit.run.details.get("trouble") != trouble:
        visit.ctx.event("recovery", f"{trouble} The job waits and tries again.", level="warning")
    visit.note(failures=failures, details=visit.run.details | {"trouble": trouble})
    task = visit.ctx.task
    visit.ctx.progress(task.progress, task.phase, trouble)
    again_in_s = max(pause_s(failures), getattr(error, "retry_after_s", None) or 0.0)
    return Outcome("waiting", again_in_s=again_in_s)


def _passes(error: StudioError) -> bool:
    """Whether the same call may succeed later without anybody changing anything."""
    return isinstance(error, LlmError) and error.retryable


def _unsure(error: StudioError) -> bool:
    """Whether a job may exist at the service although the call failed; a refusal is an answer."""
    return not (isinstance(error, LlmError) and error.cause in ("refused", "not_offered", "quota", "too_large"))
