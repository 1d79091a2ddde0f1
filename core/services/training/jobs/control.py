"""Watching a job and acting on it: actions through its provider, events, log lines."""

from __future__ import annotations

from core.errors import InvalidTransition
from core.platform.tasks.records import EventRecord
from core.platform.tasks.states import ACTIONS
from core.services.platform import tasks
from core.services.training.jobs import reader as job_reader
from core.services.training.jobs.reader import get_job
from core.services.training.jobs.records import JobRecord
from core.training.providers import PROVIDERS


def request(job_id: str, action: str) -> JobRecord:
    """Cancel, pause, resume, stop (and keep the model), retry, or keep (the last checkpoint as a model).

    Raises:
        InvalidTransition: the action is impossible now; says why.
    """
    job = get_job(job_id)
    if job.dataset_deleted and action in job_reader.NEEDS_DATASET:
        raise InvalidTransition(
            f"The dataset “{job.dataset_name}” was deleted, and “{job.name}” cannot run without its examples.",
            "Start a new job with another dataset.",
        )
    if action not in ACTIONS:
        raise InvalidTransition(f"“{action}” is not an action.", f"Choose one of: {', '.join(ACTIONS)}.")
    provider = PROVIDERS.get(job.provider)
    if action in provider.capabilities.withheld:
        raise InvalidTransition(f"{provider.title} cannot {action} a job.", "Cancel it, or wait until it ends.")
    provider.request(job.task_id, action)
    return get_job(job_id)


def events(job_id: str, since_id: int = 0) -> list[EventRecord]:
    """The events of a job after the event `since_id`, oldest first."""
    return tasks.events(get_job(job_id).task_id, since_id)


def log_lines(job_id: str) -> list[str]:
    """The last lines of the run's log, oldest first."""
    return tasks.log_tail(get_job(job_id).task_id)
