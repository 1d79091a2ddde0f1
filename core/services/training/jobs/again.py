"""Running a job again with other settings: its choices, and the changes that would help after a failure."""

from __future__ import annotations

from typing import Any

from core.models import methods
from core.services.training.jobs.reader import get_job
from core.services.training.jobs.records import JobRecord
from core.training.jobs import remedies as job_remedies
from core.training.jobs.remedies import SettingChange


def remedies(job: JobRecord) -> tuple[SettingChange, ...]:
    """The settings that would help a job that failed: () if no change of settings would."""
    if job.state != "failed" or job.method not in methods.METHODS:
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
    }
