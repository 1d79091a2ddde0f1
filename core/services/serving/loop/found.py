"""What exists of a round: the mix, the job, its model, and the evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from core.platform.db.tables import DATASETS, JOBS, MODELS, TASKS, VERSIONS
from core.platform.db.uow import read
from core.services.training import merging
from core.serving.evaluations import store as evaluations
from core.serving.evaluations.records import EvaluationRecord

_MOST: int = 500  # of the newest mixes and evaluations


@dataclass(frozen=True, slots=True)
class FoundJob:
    """A job of the round, with the state of its task and its model, once there is one."""

    id: str
    name: str
    state: str
    progress: float
    model_id: str
    model_name: str


def mix_of(feedback: str, other: str) -> tuple[str, str]:
    """The newest dataset that was mixed from the newest version of a dataset of feedback and any version of another
    one: its id and name; empty without one."""
    ((wanted,),) = read(select(DATASETS.c.current_version_id).where(DATASETS.c.id == feedback))
    of_other = {row[0] for row in read(select(VERSIONS.c.id).where(VERSIONS.c.dataset_id == other))}
    query = (
        select(DATASETS.c.id, DATASETS.c.name, VERSIONS.c.parents)
        .join(VERSIONS, VERSIONS.c.dataset_id == DATASETS.c.id)
        .where(DATASETS.c.deleted_at.is_(None), DATASETS.c.origin == "mix", VERSIONS.c.number == 1)
        .order_by(DATASETS.c.created_at.desc())
        .limit(_MOST)
    )
    for dataset_id, name, parents in read(query):
        if wanted in parents and of_other & set(parents):
            return dataset_id, name
    return "", ""


def name_of(dataset_id: str) -> str:
    """The name of a dataset; "" where it was deleted."""
    rows = read(select(DATASETS.c.name).where(DATASETS.c.id == dataset_id, DATASETS.c.deleted_at.is_(None)))
    return str(rows[0][0]) if rows else ""


def job_of(dataset_id: str, parent_job: str, base_model: str) -> FoundJob | None:
    """The newest job on a dataset that follows another job, or else starts from a base model."""
    follows = JOBS.c.parent_job_id == parent_job if parent_job else JOBS.c.base_model == base_model
    query = (
        select(JOBS.c.id, JOBS.c.name, TASKS.c.state, TASKS.c.progress, MODELS.c.id, MODELS.c.name)
        .join(TASKS, TASKS.c.id == JOBS.c.task_id)
        .outerjoin(MODELS, MODELS.c.job_id == JOBS.c.id)
        .where(JOBS.c.dataset_id == dataset_id, JOBS.c.deleted_at.is_(None), follows)
        .order_by(JOBS.c.created_at.desc())
        .limit(1)
    )
    rows = read(query)
    if not rows:
        return None
    job_id, name, state, progress, model_id, model_name = rows[0]
    return FoundJob(job_id, name, state, progress, model_id or "", model_name or "")


def evaluation_of(candidate: str, parent: str) -> EvaluationRecord | None:
    """The newest evaluation in which both models answer."""
    for one in evaluations.listed(limit=_MOST)[0]:
        names = {model.id for model in one.models}
        if parent in names and names & {candidate, merging.served_id(candidate)}:
            return one
    return None
