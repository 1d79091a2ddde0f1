"""Lines of models: the versions of one model, which lists show as one card.

A model is the next version of an earlier one if its job follows the earlier one's job (*Train again*); else if both
were trained on the same dataset from the same base model. The version of the dataset, the method and the settings may
differ. The first model of a line gives the line its id.
"""

from __future__ import annotations

from sqlalchemy import func, select

from core.platform.db.tables import JOBS, MODELS
from core.platform.db.uow import UnitOfWork
from core.services.training.jobs import JobRecord


def next_version(uow: UnitOfWork, job: JobRecord, model_id: str) -> tuple[str, int]:
    """The line of the model that a job yields, and its number there."""
    line = _followed(uow, job) or _of_origin(uow, job) or model_id
    newest = uow.execute(select(func.max(MODELS.c.version)).where(MODELS.c.line_id == line)).scalar_one()
    return line, (newest or 0) + 1


def _followed(uow: UnitOfWork, job: JobRecord) -> str | None:
    """The line of the nearest job that this one follows and that has a model."""
    seen, parent = {job.id}, job.parent_job_id
    while parent and parent not in seen:
        if line := uow.execute(select(MODELS.c.line_id).where(MODELS.c.job_id == parent)).scalar_one_or_none():
            return str(line)
        seen.add(parent)
        parent = uow.execute(select(JOBS.c.parent_job_id).where(JOBS.c.id == parent)).scalar_one_or_none()
    return None


def _of_origin(uow: UnitOfWork, job: JobRecord) -> str | None:
    """The line of the newest model with the same dataset and base model."""
    same = (MODELS.c.dataset_id == job.dataset_id, MODELS.c.base_model == job.base_model)
    newest = select(MODELS.c.line_id).where(*same).order_by(MODELS.c.created_at.desc(), MODELS.c.id.desc()).limit(1)
    return uow.execute(newest).scalar_one_or_none()
