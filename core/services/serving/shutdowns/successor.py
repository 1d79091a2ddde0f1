"""*Train its successor*: the data and settings that a model going dark was trained with, for another base model."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from core.platform.db.tables import DATASETS, EVALUATIONS, JOBS
from core.platform.db.uow import read
from core.services.platform import connections
from core.services.serving.shutdowns.dates import ShutdownRecord
from core.services.serving.shutdowns.usage import host_of


@dataclass(frozen=True, slots=True)
class SuccessorStart:
    """What a successor starts from: the job to repeat, or else the dataset that the model was evaluated on; both are ""
    where the studio knows neither."""

    job_id: str = ""
    dataset_id: str = ""


def start_of(record: ShutdownRecord) -> SuccessorStart:
    """The job of a tuned model that goes dark, else the newest one that trained this base there, else the dataset of
    the newest evaluation that asked it. What was deleted is passed over."""
    jobs = _jobs_of(record)
    if jobs:
        own = {use.job_id for use in record.used_by if use.job_id}
        return SuccessorStart(job_id=next((job for job in jobs if job in own), jobs[0]))
    asked = [use.id for use in record.used_by if use.kind == "evaluation"]
    query = select(EVALUATIONS.c.dataset_id).join(DATASETS, DATASETS.c.id == EVALUATIONS.c.dataset_id)
    query = query.where(EVALUATIONS.c.id.in_(asked), DATASETS.c.deleted_at.is_(None))
    found = read(query.order_by(EVALUATIONS.c.created_at.desc()).limit(1)) if asked else []
    return SuccessorStart(dataset_id=str(found[0].dataset_id) if found else "")


def _jobs_of(record: ShutdownRecord) -> list[str]:
    """The jobs at its provider that trained it as their base, the newest first; their datasets are there."""
    there = [one.id for one in connections.list_connections() if host_of(one.base_url) == record.host]
    query = select(JOBS.c.id).join(DATASETS, DATASETS.c.id == JOBS.c.dataset_id)
    query = query.where(
        JOBS.c.connection_id.in_(there), JOBS.c.base_model == record.model, JOBS.c.deleted_at.is_(None),
        DATASETS.c.deleted_at.is_(None),
    )  # fmt: skip
    return [str(row.id) for row in read(query.order_by(JOBS.c.created_at.desc()))]
