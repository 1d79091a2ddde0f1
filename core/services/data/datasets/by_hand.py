"""Examples written by hand: saved one by one, then gathered into a new version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from core import arguments
from core.data.editing import AddedExample, AddExamples, message_dicts
from core.data.editing.rows import parsed
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.platform.db.tables import FineTuningDataset, TrainingExample
from core.platform.db.uow import UnitOfWork
from core.services.data.datasets import edits as dataset_edits
from core.services.data.datasets.edits import Applied
from core.services.data.datasets.records import DatasetRecord, find, get_dataset
from core.services.data.datasets.writing import create_dataset


@dataclass(frozen=True, slots=True)
class WrittenExample:
    """An example written by hand that is not part of a version yet."""

    id: str
    dataset_id: str
    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[Mapping[str, Any], ...]
    rejected: tuple[Mapping[str, Any], ...]
    created_at: float


def begin_by_hand(name: str, messages: Sequence[Mapping[str, Any]], description: str = "") -> DatasetRecord:
    """Create a dataset with one example written by hand.

    Raises:
        DataError: what is wrong with the messages, or with the name. Conflict: the name is taken.
    """
    first = parsed(arguments.mappings(messages, "messages"), "The example")
    return create_dataset(name, [first], origin="manual", description=description)


def write_example(
    dataset_id: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    tools: Sequence[Mapping[str, Any]] = (),
    rejected: Sequence[Mapping[str, Any]] = (),
) -> WrittenExample:
    """Save an example that was written by hand, until `gather` puts it into a version.

    Args:
        tools: schemas of the functions that the assistant may call.
        rejected: a worse answer to the same input, which makes the example a preference pair.

    Raises:
        DataError: what is wrong with it; `field` names the message. NotFound: there is no such dataset.
    """
    row = TrainingExample(id=new_id("ex"), dataset_id="", origin="manual")
    _fill(row, messages, tools, rejected)
    with UnitOfWork() as uow:
        row.dataset_id = find(uow, dataset_id).id
        uow.session.add(row)
        uow.commit()
    return _record(row)


def rewrite_example(
    example_id: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    tools: Sequence[Mapping[str, Any]] = (),
    rejected: Sequence[Mapping[str, Any]] = (),
) -> WrittenExample:
    """Change an example that is not gathered yet. What is not given is removed.

    Raises:
        DataError: what is wrong with it. NotFound: there is none, or it is already part of a version.
    """
    with UnitOfWork() as uow:
        row = _waiting(uow, example_id)
        _fill(row, messages, tools, rejected)
        uow.session.add(row)
        uow.commit()
    return _record(row)


def remove_written(example_id: str) -> None:
    """Delete an example that is not gathered yet. Raises NotFound."""
    with UnitOfWork() as uow:
        uow.session.delete(_waiting(uow, example_id))
        uow.commit()


def written(dataset_id: str) -> list[WrittenExample]:
    """The pending examples of a dataset, in the order they were written."""
    query = (
        select(TrainingExample)
        .where(TrainingExample.dataset_id == dataset_id)
        .where(col(TrainingExample.version_id).is_(None))
        .order_by(col(TrainingExample.created_at), col(TrainingExample.id))
    )
    with UnitOfWork(write=False) as uow:
        return [_record(row) for row in uow.session.exec(query)]


def gather(dataset_id: str, *, base_version_id: str | None = None, why: str = "") -> Applied:
    """Put every example written by hand into a new version of its dataset.

    Raises:
        Conflict: there is none, or the dataset has a newer version than `base_version_id`.
    """
    dataset = get_dataset(dataset_id)
    waiting = written(dataset.id)
    if not waiting:
        raise Conflict("There is no pending example.", "Write one first.")
    added = tuple(
        AddedExample(
            messages=tuple(map(dict, item.messages)),
            tools=tuple(map(dict, item.tools)),
            rejected=tuple(map(dict, item.rejected)),
            provenance={"written_by": "hand"},
        )
        for item in waiting
    )
    return dataset_edits.apply(
        dataset.id,
        AddExamples(examples=added),
        base_version_id=base_version_id or dataset.version.id,
        why=why,
        gathered=tuple(item.id for item in waiting),
    )


def mark(uow: UnitOfWork, example_ids: Iterable[str], version_id: str) -> None:
    """Record, in the transaction that publishes the version, that these examples are part of it.

    Raises:
        Conflict: one of them was gathered or deleted in the meantime; the version must not be published.
    """
    ids = list(example_ids)
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        query = select(TrainingExample).where(col(TrainingExample.id).in_(part)).with_for_update()
        rows = list(uow.session.exec(query))
        if len(rows) != len(part) or any(row.version_id for row in rows):
            raise Conflict(
                "An example written by hand was added to a version or deleted in the meantime.", "Add them again."
            )
        for row in rows:
            row.version_id = version_id
            uow.session.add(row)
    uow.session.flush()


def _fill(
    row: TrainingExample,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]],
    rejected: Sequence[Mapping[str, Any]],
) -> None:
    parts = {"messages": messages, "tools": tools, "rejected": rejected}
    given = {name: arguments.mappings(part, name) for name, part in parts.items()}
    checked = parsed(given["messages"], "The example", given["tools"], given["rejected"])
    row.messages = list(message_dicts(checked.messages))
    row.tools = [dict(tool) for tool in checked.tools]
    row.rejected = list(message_dicts(checked.rejected))


def _waiting(uow: UnitOfWork, example_id: str) -> TrainingExample:
    row = uow.session.exec(
        select(TrainingExample)
        .join(FineTuningDataset)
        .where(TrainingExample.id == example_id, col(FineTuningDataset.deleted_at).is_(None))
        .with_for_update()
    ).one_or_none()
    if row is None or row.version_id is not None:
        raise NotFound(f"There is no pending example {example_id!r}.", "It may already be part of a version.")
    return row


def _record(row: TrainingExample) -> WrittenExample:
    beside = tuple(row.tools), tuple(row.rejected)
    return WrittenExample(row.id, row.dataset_id, tuple(row.messages), *beside, row.created_at)
