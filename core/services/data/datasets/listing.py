"""The list of datasets: what can be searched, filtered and sorted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from sqlalchemy import case, func, select

from core.data.quality import set_rules
from core.platform.db import cursors
from core.platform.db.listing import Facet, Listing, Slice, Sort, View, in_order, look_up as look_up_in
from core.platform.db.tables import DATASETS, VERSIONS, DatasetVersion, FineTuningDataset
from core.platform.db.uow import UnitOfWork, read
from core.services.data.datasets.records import DatasetChoice, DatasetRecord, dataset_record

# A version checked by older rules counts as not validated, as in `records.dataset_record`.
_STATE = case((VERSIONS.c.manifest["rules"].as_integer() == set_rules.VERSION, DATASETS.c.state), else_="not_validated")

LISTING: Final = Listing(
    key=DATASETS.c.id,
    rows=DATASETS.join(VERSIONS, VERSIONS.c.id == DATASETS.c.current_version_id),
    where=(DATASETS.c.deleted_at.is_(None),),
    search=(DATASETS.c.name, DATASETS.c.description),
    sorts=(
        Sort("newest", "Newest first", DATASETS.c.created_at, down=True),
        Sort("oldest", "Oldest first", DATASETS.c.created_at),
        Sort("changed", "Last changed first", DATASETS.c.updated_at, down=True),
        Sort("name", "Name, A to Z", func.lower(DATASETS.c.name)),
        Sort("largest", "Most examples first", VERSIONS.c.examples, down=True),
        Sort("smallest", "Fewest examples first", VERSIONS.c.examples),
    ),
    filters=(Facet("state", "State", _STATE), Facet("origin", "Origin", DATASETS.c.origin)),
    archived=DATASETS.c.archived_at.is_not(None),
    sums={"examples": VERSIONS.c.examples},
)


def count() -> int:
    """How many datasets there are, archived ones included."""
    ((number,),) = read(select(func.count()).where(DATASETS.c.deleted_at.is_(None)))
    return int(number)


def look_up(view: View) -> tuple[Slice, list[DatasetRecord]]:
    """One page of the datasets."""
    found = look_up_in(LISTING, view)
    return found, in_order(found.ids, _by_id(found.ids))


def records_of(ids: Sequence[str]) -> list[DatasetRecord]:
    """These datasets in this order; one that was deleted is left out."""
    return in_order(tuple(ids), _by_id(ids))


def newest(after: str = "", *, archived: bool = False, limit: int = 50) -> list[DatasetRecord]:
    """A page of the datasets, the newest first. Raises DataError if no dataset has the id `after`."""
    return records_of(cursors.newest(LISTING, DATASETS, after, archived=archived, limit=limit))


def choices(*, include_archived: bool = False) -> list[DatasetChoice]:
    """Every dataset to choose from, the newest first: one query, in which no manifest is read."""
    columns = (DATASETS.c.id, DATASETS.c.name, _STATE, VERSIONS.c.id, VERSIONS.c.number)
    sizes = (VERSIONS.c.examples, VERSIONS.c.train_examples, VERSIONS.c.validation_examples)
    query = select(*columns, *sizes).select_from(LISTING.rows).where(*LISTING.where)
    if not include_archived:
        query = query.where(DATASETS.c.archived_at.is_(None))
    return [DatasetChoice(*row) for row in read(query.order_by(DATASETS.c.created_at.desc()))]


def free_name(filename: str) -> str:
    """A dataset name made from a file's name that is not taken yet."""
    stem = PurePath(filename).stem.strip() or "dataset"
    taken = {dataset.name for dataset in choices(include_archived=True)}
    return next(name for name in (stem, *(f"{stem} {turn}" for turn in range(2, 10_000))) if name not in taken)


def _by_id(ids: Sequence[str]) -> dict[str, DatasetRecord]:
    query = (
        select(FineTuningDataset, DatasetVersion)
        .join(DatasetVersion, DATASETS.c.current_version_id == VERSIONS.c.id)
        .where(DATASETS.c.id.in_(ids), DATASETS.c.deleted_at.is_(None))
    )
    with UnitOfWork(write=False) as uow:
        rows = uow.session.execute(query).all() if ids else []
        return {dataset.id: dataset_record(dataset, version) for dataset, version in rows}
