"""What a job at a service yields: its adapter, served here like any other, or a model that answers there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from core.errors import StudioError
from core.models import base_models, methods
from core.platform.tasks.context import Outcome
from core.services.training import metrics, models
from core.services.training.jobs.records import JobRecord
from core.training.providers.hosted import HostedStatus
from worker.hosted.visit import Visit

PHASE = "Creating the model"


def make(visit: Visit, status: HostedStatus) -> Outcome:
    """Fetch the adapter where the service returns it, and the outcome that registers the model."""
    visit.ctx.progress(95, PHASE, "Asking for the adapter")
    folder = _fetched(visit)
    reason = "" if folder is None else not_here(visit.job)
    if folder is None:
        visit.ctx.event("data", f"{visit.service.title} does not return the adapter: the model answers there.")
    elif reason:
        visit.ctx.event("data", f"The adapter was stored; the model answers there. {reason}", level="warning")
    visit.ctx.progress(98, PHASE, "Storing it")
    return models.register(
        visit.ctx,
        visit.job.id,
        folder,
        final_loss=_final_loss(visit.job.id),
        measured=_measured(visit, status),
        manifest={"engine": visit.service.id},
        there={
            "connection_id": visit.choice.connection_id,
            "service": visit.service.id,
            "model": status.model or visit.run.model,
            "remote_id": visit.run.remote_id,
            "answers_here": folder is not None and not reason,
        },
    )


def _fetched(visit: Visit) -> Path | None:
    """The folder of the verified adapter; None where the service does not return it."""
    if not visit.service.capabilities.adapter:
        return None
    folder = visit.ctx.workdir / "adapter"
    shutil.rmtree(folder, ignore_errors=True)  # an earlier visit may have been killed in the middle
    folder.mkdir(parents=True)

    def beat(share: float) -> None:
        visit.ctx.progress(95 + 3 * share, PHASE, "Downloading the adapter")
        visit.ctx.raise_if_interrupted()

    visit.ctx.allow(visit.endpoint.timeout_s + 10)
    return folder if visit.service.fetch(visit.endpoint, visit.run.remote_id, folder, beat=beat) else None


def not_here(job: JobRecord) -> str:
    """Why a fetched adapter cannot answer on this machine; "" if it can."""
    if job.method not in methods.METHODS:
        return f"This release does not know the method {job.method!r}."
    if job.base_model.startswith(base_models.LOCAL):
        return "Its base model is a folder on the other machine."
    try:
        base = base_models.resolve(job.base_model)
    except StudioError as error:
        return error.message
    if not base.ready:
        return f"Its base model, {base.title}, is not on this machine."
    if job.spec.base_revision and base.revision and base.revision != job.spec.base_revision:
        return f"Its base model, {base.title}, has other weights there than here."
    return ""


def _final_loss(job_id: str) -> float | None:
    point = metrics.latest([job_id]).get((job_id, "train"))
    return point.value("loss") if point else None


def _measured(visit: Visit, status: HostedStatus) -> dict[str, Any]:
    last = metrics.latest([visit.job.id])
    train, held_out = last.get((visit.job.id, "train")), last.get((visit.job.id, "validation"))
    facts = {
        "tokens": status.trained_tokens,
        "steps": train.step if train else status.step,
        "validation_loss": held_out.value("loss") if held_out else None,
    }
    return {name: value for name, value in facts.items() if value is not None}
