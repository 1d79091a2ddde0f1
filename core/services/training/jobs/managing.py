"""Rename, archive, restore and delete jobs; what depends on one is named before it is deleted."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import ColumnElement, delete as delete_from, select, update

from core.errors import Conflict, SettingsError, StorageError
from core.platform import logs
from core.platform.db.tables import ANSWERS, JOBS, MODELS, POINTS, TASKS
from core.platform.db.uow import UnitOfWork, read
from core.platform.storage import get_storage
from core.platform.tasks import workdirs
from core.platform.tasks.states import TERMINAL
from core.services.platform.dependents import Dependents, are, confirm, named
from core.services.training.jobs.reader import get_job
from core.services.training.jobs.records import JobRecord
from core.services.training.jobs.spec_builder import MAX_NAME


def rename(job_id: str, name: str) -> JobRecord:
    """Give a job another name; its model keeps its own.

    Raises:
        NotFound: there is no such job. SettingsError: the name is blank or too long.
    """
    job, name = get_job(job_id), " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise SettingsError(f"A job's name has 1 to {MAX_NAME} characters, not {len(name)}.", "Choose another.")
    with UnitOfWork() as uow:
        uow.execute(update(JOBS).where(JOBS.c.id == job.id).values(name=name))
        uow.execute(update(TASKS).where(TASKS.c.id == job.task_id).values(title=f"Train “{name}”"))
        uow.commit()
    return get_job(job.id)


def archive(job_ids: Sequence[str]) -> int:
    """Hide jobs that have ended from the list; returns how many changed. A job that can still run stays in sight."""
    ended = select(TASKS.c.id).where(TASKS.c.state.in_(TERMINAL))
    return _set_archived(JOBS.c.archived_at.is_(None) & JOBS.c.task_id.in_(ended), job_ids, time.time())


def restore(job_ids: Sequence[str]) -> int:
    """Show archived jobs again; returns how many changed."""
    return _set_archived(JOBS.c.archived_at.is_not(None), job_ids, None)


def _set_archived(changed: ColumnElement[bool], job_ids: Sequence[str], at: float | None) -> int:
    with UnitOfWork() as uow:
        count = uow.execute(update(JOBS).where(changed, JOBS.c.id.in_(job_ids)).values(archived_at=at)).rowcount
        uow.commit()
    return count


def dependents(job_id: str) -> Dependents:
    """What depends on a job, to be named before it is deleted."""
    job = get_job(job_id)
    models = tuple(name for (name,) in read(select(MODELS.c.name).where(MODELS.c.job_id == job.id)))
    later = select(JOBS.c.name).where(JOBS.c.parent_job_id == job.id, JOBS.c.deleted_at.is_(None))
    jobs = tuple(name for (name,) in read(later.order_by(JOBS.c.created_at)))
    unfinished = () if job.is_terminal else (job.name,)
    parts = []
    if models:
        parts.append(f"{named(models, 'model')} came from it and can still be used.")
    if jobs:
        parts.append(f"{named(jobs, 'job')} repeated it with changes and {are(jobs)} unaffected.")
    if unfinished:
        parts.append("It has not ended yet: cancel it first.")
    text = " ".join(parts) or "Nothing depends on it."
    return Dependents(jobs, models, unfinished, text)


def delete(job_id: str, confirm_name: str) -> None:
    """Delete a job with its curves, sample answers, checkpoints and log. Its model remains.

    Raises:
        NotFound: there is no such job. Conflict: the typed name differs, or the job has not ended.
    """
    job = get_job(job_id)
    confirm("job", job.name, confirm_name)
    with UnitOfWork() as uow:
        state = uow.execute(select(TASKS.c.state).where(TASKS.c.id == job.task_id).with_for_update()).scalar_one()
        if state not in TERMINAL:
            raise Conflict(f"“{job.name}” is {state}.", "Cancel it first, and delete it when it has stopped.")
        now = time.time()
        uow.execute(update(JOBS).where(JOBS.c.id == job.id).values(deleted_at=now, draft_key=None))
        uow.execute(update(TASKS).where(TASKS.c.id == job.task_id).values(archived_at=now, idempotency_key=None))
        for table in (POINTS, ANSWERS):
            uow.execute(delete_from(table).where(table.c.job_id == job.id))
        uow.commit()
    shutil.rmtree(workdirs.path_of(job.task_id), ignore_errors=True)
    logs.log_path(job.task_id).unlink(missing_ok=True)
    with suppress(StorageError):
        get_storage().delete(f"jobs/{job.id}")
