"""Rename, archive, restore and delete datasets.

Before a deletion, what depends on the dataset is named; an unfinished job prevents it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlmodel import col, select, update
from sqlmodel.sql.expression import Select

from core.errors import Conflict
from core.platform.db.tables import BackgroundTask, DatasetVersion, FineTunedModel, FineTuningDataset, FineTuningJob
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.records import TaskRecord
from core.platform.tasks.states import TERMINAL, WORKABLE
from core.services.data.datasets.records import DatasetRecord, find, get_dataset
from core.services.data.datasets.writing import check_name
from core.services.platform.dependents import Dependents, confirm, named


def rename(dataset_id: str, name: str) -> DatasetRecord:
    """Give a dataset another name. Jobs and models refer to it by its id.

    Raises:
        NotFound: there is no such dataset. DataError: the name is blank, too long or has invisible characters.
        Conflict: another dataset has the name.
    """
    with UnitOfWork() as uow:
        row = find(uow, dataset_id)
        if name.strip() != row.name:
            check_name(name, uow)
            row.name, row.updated_at = name.strip(), time.time()
            uow.session.add(row)
            uow.commit()
    return get_dataset(dataset_id)


def archive(dataset_ids: Sequence[str]) -> int:
    """Hide datasets from the list and from the choices for new jobs and mixes; returns how many changed."""
    return _set_archived(dataset_ids, time.time())


def restore(dataset_ids: Sequence[str]) -> int:
    """Show archived datasets again; returns how many changed."""
    return _set_archived(dataset_ids, None)


def _set_archived(dataset_ids: Sequence[str], at: float | None) -> int:
    column = col(FineTuningDataset.archived_at)
    changed = col(FineTuningDataset.id).in_(dataset_ids) & (column.is_(None) if at else column.is_not(None))
    with UnitOfWork() as uow:
        count = uow.execute(update(FineTuningDataset).where(changed).values(archived_at=at)).rowcount
        uow.commit()
    return count


def dependents(dataset_id: str) -> Dependents:
    """What depends on a dataset, to be named before it is deleted."""
    models = select(FineTunedModel.name).where(FineTunedModel.dataset_id == dataset_id)
    with UnitOfWork(write=False) as uow:
        jobs = list(uow.session.exec(_jobs_of(dataset_id)))
        names = tuple(uow.session.exec(models))
        mixes = _mixes_of(uow, dataset_id)
    work = tuple(task.title for task in _work_on(dataset_id))
    unfinished = (*(name for name, state in jobs if state not in TERMINAL), *work)
    text = _dependents_text(jobs, names, mixes, unfinished)
    return Dependents(tuple(name for name, _ in jobs), names, unfinished, text, datasets=mixes)


def delete(dataset_id: str, confirm_name: str) -> None:
    """Delete a dataset and its files. Models trained on it remain, with the hash of their training data.

    Raises:
        Conflict: the typed name differs, or an unfinished job still needs the examples.
    """
    dataset = get_dataset(dataset_id)
    confirm("dataset", dataset.name, confirm_name)
    # The row is locked before the jobs are counted, as a launch locks it before it adds one: neither can interfere.
    with UnitOfWork() as uow:
        row = uow.session.exec(
            select(FineTuningDataset).where(FineTuningDataset.id == dataset.id).with_for_update()
        ).one()
        jobs = [name for name, state in uow.session.exec(_jobs_of(dataset.id)) if state not in TERMINAL]
        tasks = [task.title for task in _work_on(dataset.id)]
        for what, names, where in (("job", jobs, ""), ("task", tasks, " in Background jobs")):
            if names:
                text = f"“{dataset.name}” is in use by an unfinished {what}: {', '.join(names)}."
                raise Conflict(text, f"Let it finish, or cancel it{where}.")
        row.deleted_at = time.time()
        uow.session.add(row)
        uow.commit()
    get_storage().delete(f"datasets/{dataset.id}")


def _jobs_of(dataset_id: str) -> Select[str, str]:
    """Name and state of every job on a dataset."""
    return (
        select(FineTuningJob.name, BackgroundTask.state)
        .join(BackgroundTask, col(BackgroundTask.id) == col(FineTuningJob.task_id))
        .where(FineTuningJob.dataset_id == dataset_id, col(FineTuningJob.deleted_at).is_(None))
    )


def _work_on(dataset_id: str) -> list[TaskRecord]:
    """Unfinished tasks that read the dataset's examples: edits, variations, retried rows, mixes."""
    active = store.find(states=(*WORKABLE, "paused", "queued"), limit=100_000)

    def is_read_by(task: TaskRecord) -> bool:
        read = kind_of(task.kind).ids_read(task.payload)  # of datasets and versions (`<dataset id>-v<number>`)
        return any(dataset_id in (read_id, read_id.rpartition("-v")[0]) for read_id in read)

    return [task for task in active if is_read_by(task)]


def _mixes_of(uow: UnitOfWork, dataset_id: str) -> tuple[str, ...]:
    """The names of other datasets that were mixed from this one, sorted."""
    query = (
        select(FineTuningDataset.name, DatasetVersion.parents)
        .join(DatasetVersion)
        .where(col(FineTuningDataset.deleted_at).is_(None), FineTuningDataset.id != dataset_id)
    )
    rows = uow.session.exec(query)
    ours = f"{dataset_id}-v"
    return tuple(sorted({name for name, parents in rows if any(parent.startswith(ours) for parent in parents or ())}))


def _dependents_text(
    jobs: list[tuple[str, str]], models: tuple[str, ...], mixes: tuple[str, ...], unfinished: tuple[str, ...]
) -> str:
    if not jobs and not models and not unfinished:
        verb, remain = ("was", "is") if len(mixes) == 1 else ("were", "are")
        made = f"{', '.join(mixes[:5])} {verb} mixed from it and {remain} unaffected."
        return made if mixes else "Nothing depends on it."
    parts = []
    if jobs:
        parts.append(named([name for name, _ in jobs], "job"))
    if models:
        parts.append(named(models, "model"))
    text = f"{' and '.join(parts)} came from it and remain, but cannot be trained again." if parts else ""
    if mixes:
        text += f" Mixes made from it (unaffected): {', '.join(mixes[:5])}."
    if unfinished:
        text += f" Not finished yet: {', '.join(unfinished)}."
    return text.strip()
