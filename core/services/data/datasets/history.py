"""What happened to a dataset, version by version: what changed, why, and what can be undone."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlmodel import col, select

from core.data.versions.manifest import Change
from core.platform.db.tables import DatasetVersion
from core.platform.db.uow import UnitOfWork
from core.services.data.datasets.records import VersionRecord, find, version_record
from core.text import plural

_MADE = {
    "upload": "Imported", "convert": "Converted", "smart": "Written by a language model",
    "chat_import": "Imported from conversations", "mix": "Mixed from other datasets", "sample": "Created as a sample",
    "manual": "Started by hand", "feedback": "Made from feedback", "cli": "Converted",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChange(Change):
    """One step of a dataset's history.

    `operation` is "" for the first version; `added`, `removed` and `changed` are compared with the version before.
    `current`: whether it is the newest version.
    """

    version: VersionRecord
    current: bool

    @property
    def text(self) -> str:
        """What changed, in short: "12 examples dropped, 3 changed"."""
        counts = ((self.removed, "dropped"), (self.changed, "changed"), (self.added, "added"))
        told = [(number, verb) for number, verb in counts if number]
        if not self.operation or not told:
            return self.what
        (first, verb), *others = told
        return ", ".join([f"{plural(first, 'example')} {verb}", *(f"{number:,} {verb}" for number, verb in others)])


def history(dataset_id: str) -> list[VersionChange]:
    """Every version of a dataset with what changed and why, the newest first. Raises NotFound."""
    with UnitOfWork(write=False) as uow:
        dataset = find(uow, dataset_id)
        query = select(DatasetVersion).where(DatasetVersion.dataset_id == dataset.id)
        rows = uow.session.exec(query.order_by(col(DatasetVersion.number).desc()))
        return [change_of(version_record(row), current=row.id == dataset.current_version_id) for row in rows]


def change_of(version: VersionRecord, *, current: bool = False) -> VersionChange:
    """How a version was created, from its manifest."""
    change = version.manifest.change or Change("", _first(version))
    return VersionChange(version=version, current=current, **asdict(change))


@dataclass(frozen=True, slots=True)
class UndoStep:
    """The change that would be undone, and the version whose content would be the newest again."""

    undone: VersionChange
    target: VersionRecord


def undo_step(changes: list[VersionChange]) -> UndoStep | None:
    """What undoing the newest change means; None where there is nothing to undo.

    An undo is itself a version: undoing again goes one step further back.

    Args:
        changes: a complete history, the newest first.
    """
    by_id = {change.version.id: change for change in changes}
    newest = changes[0] if changes else None
    while newest is not None and newest.operation == "undo":
        newest = by_id.get(str(newest.parameters.get("version_id")))
    if newest is None:
        return None
    parent = next((parent for parent in newest.version.parents if parent in by_id), None)
    return UndoStep(newest, by_id[parent].version) if parent else None


def _first(version: VersionRecord) -> str:
    made = _MADE.get(version.manifest.origin, "Created")
    source = version.manifest.source
    return f"{made} from {source.filename}." if source else f"{made}."
