"""The list of jobs: what can be searched, filtered and sorted."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func

from core.models import base_models, methods
from core.platform.db import cursors
from core.platform.db.listing import Facet, Listing, Slice, Sort, View, in_order, look_up as look_up_in
from core.platform.db.tables import DATASETS, JOBS, MODELS, TASKS
from core.services.training.jobs.reader import read_jobs
from core.services.training.jobs.records import JobRecord

LISTING: Final = Listing(
    key=JOBS.c.id,
    rows=JOBS.join(TASKS, TASKS.c.id == JOBS.c.task_id)
    .join(DATASETS, DATASETS.c.id == JOBS.c.dataset_id)
    .outerjoin(MODELS, MODELS.c.job_id == JOBS.c.id),
    where=(JOBS.c.deleted_at.is_(None),),
    search=(JOBS.c.name, JOBS.c.description, DATASETS.c.name, JOBS.c.base_model),
    sorts=(
        Sort("newest", "Newest first", JOBS.c.created_at, down=True),
        Sort("oldest", "Oldest first", JOBS.c.created_at),
        Sort("ended", "Last ended first", TASKS.c.finished_at, down=True),
        Sort("name", "Name, A to Z", func.lower(JOBS.c.name)),
        Sort("loss", "Lowest final loss first", MODELS.c.final_loss),
        Sort("longest", "Longest first", TASKS.c.finished_at - TASKS.c.started_at, down=True),
    ),
    filters=(
        Facet("state", "State", TASKS.c.state),
        Facet("method", "Method", JOBS.c.method, methods.title_of),
        Facet("base", "Base model", JOBS.c.base_model, base_models.title_of),
    ),
    archived=JOBS.c.archived_at.is_not(None),
)


def newest(after: str = "", *, archived: bool = False, limit: int = 50) -> list[JobRecord]:
    """A page of the jobs, the newest first. Raises DataError if no job has the id `after`."""
    ids = cursors.newest(LISTING, JOBS, after, archived=archived, limit=limit)
    found = read_jobs(JOBS.c.id.in_(ids)) if ids else []
    return in_order(tuple(ids), {job.id: job for job in found})


def look_up(view: View) -> tuple[Slice, list[JobRecord]]:
    """One page of the jobs."""
    found = look_up_in(LISTING, view)
    jobs = read_jobs(JOBS.c.id.in_(found.ids)) if found.ids else []
    return found, in_order(found.ids, {job.id: job for job in jobs})
