"""Watching a job, acting on it through its provider, and running it again with other settings."""

from __future__ import annotations

from typing import Any

from core.errors import InvalidTransition
from core.models import methods
from core.platform.tasks.records import EventRecord
from core.platform.tasks.states import ACTIONS
from core.services.platform import tasks
from core.services.training.jobs import reader as job_reader
from core.services.training.jobs.reader import get_job
from core.services.training.jobs.records import JobRecord
from core.training.jobs import remedies as job_remedies
from core.training.jobs.remedies import SettingChange
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
        raise InvalidTransition(f"“{action}” is not a known action.", f"Choose one of: {', '.join(ACTIONS)}.")
    provider = PROVIDERS.get(job.provider)
    if action in provider.capabilities.withheld:
        raise InvalidTransition(f"{provider.title} cannot {action} a job.", "Cancel it, or wait until it ends.")
    provider.request(job.task_id, action)
    return get_job(job_id)


def sync(job_id: str) -> JobRecord:
    """Start a planned job now, or ask the service of a hosted one how it is doing, without waiting for the time.

    Raises:
        InvalidTransition: the job has ended or is paused.
    """
    tasks.start_now(get_job(job_id).task_id)
    return get_job(job_id)


def schedule(job_id: str, start_at: float) -> JobRecord:
    """Let a job that has not started wait until a time (Unix seconds).

    Raises:
        InvalidTransition: it has started. SettingsError: the time is not in the future.
    """
    tasks.schedule(get_job(job_id).task_id, start_at)
    return get_job(job_id)


def events(job_id: str, since_id: int = 0) -> list[EventRecord]:
    """The events of a job after the event `since_id`, oldest first."""
    return tasks.events(get_job(job_id).task_id, since_id)


def remedies(job: JobRecord) -> tuple[SettingChange, ...]:
    """The settings that would help a job that failed: () if no change of settings would."""
    if job.state != "failed" or job.method not in methods.METHODS or job.hosted:
        return ()
    cause = str(job.reason or job.error.get("cause") or "")
    method = methods.build(job.method, job.spec.method_config)
    return job_remedies.remedies(cause, job.spec.training, method, job.examples)


def also_helps(cause: str) -> str:
    """One sentence on what else would help after a failure of this cause; "" if nothing would."""
    return job_remedies.BESIDES.get(cause, "")


def started_over(job_id: str) -> dict[str, Any]:
    """The choices of a job that failed with the settings that would help, for the draft of a new job."""
    choices, changes = choices_of(job_id), job_remedies.as_choices(remedies(get_job(job_id)))
    same_method = changes.get("method", choices["method"]) == choices["method"]
    return {
        **choices,
        **changes,
        "method_config": (choices["method_config"] if same_method else {}) | changes.get("method_config", {}),
        "training": choices["training"] | changes.get("training", {}),
    }


def choices_of(job_id: str) -> dict[str, Any]:
    """The choices of a job, as arguments of `create`, for the draft of a job that repeats it."""
    job = get_job(job_id)
    return {
        "name": job.name,
        "description": job.description,
        "dataset_id": job.dataset_id,
        "base_model": job.base_model,
        "method": job.method,
        "method_config": dict(job.spec.method_config),
        "training": dict(job.spec.training_config),
        "provider": job.provider,
        "engine": job.spec.engine_asked,
        "connection": job.spec.hosted.connection_id if job.spec.hosted else "",
        "hyperparameters": dict(job.spec.hosted.hyperparameters) if job.spec.hosted else {},
    }
