"""Edit datasets: every change is a new version that records what was done and why, and can be undone.

A set of up to EDITED_AT_ONCE examples with little text is edited at once; a larger one as a background task, whose
version appears exactly once, however often the work is interrupted.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.editing import Effect, Operation, operation_of
from core.data.editing.building import build, count as count_effect
from core.data.quality import set_rules
from core.data.versions import files
from core.data.versions.manifest import Change
from core.data.versions.rows import PROVENANCE, Rows
from core.data.versions.writer import VERSION_BYTES_PER_STORED_BYTE, VersionWriter
from core.errors import Conflict, DataError
from core.platform import disk, scratch
from core.platform.db.tables import FineTuningDataset
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.platform.tasks.records import TaskRecord
from core.services.data.datasets.diff import compare, diff
from core.services.data.datasets.history import VersionChange, change_of, history, undo_step
from core.services.data.datasets.mix import mix, mix_plan
from core.services.data.datasets.publishing import EDITS, Staged, check_base, following, new_attempt, put, stage
from core.services.data.datasets.records import (
    VersionRecord,
    get_dataset,
    get_version,
    is_small,
    provenance_file,
    version_file,
)
from core.services.data.datasets.splits import split_preview
from core.services.data.datasets.writing import check_text, enqueue_again, set_errors

__all__ = [
    "EDITED_AT_ONCE", "Applied", "VersionChange", "apply", "change_of", "compare", "count", "diff", "edited_at_once",
    "history", "mix", "mix_plan", "restore", "split_preview", "undo", "undo_step",
]  # fmt: skip

EDITED_AT_ONCE = 5_000
_PAYLOAD_CHARACTERS = 200_000  # a longer operation is stored in a file
# What a version is restored from; figures about it (quality, exact lengths) are computed again on request.
_CONTENT = (files.EXAMPLES, files.FINDINGS, files.REJECTS, PROVENANCE)


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of an edit: the new version, or the task that creates it."""

    version: VersionRecord | None = None
    task: TaskRecord | None = None

    @property
    def text(self) -> str:
        """A summary for a banner: "Version 3: 12 examples dropped"."""
        if self.version is not None:
            return f"Version {self.version.number}: {change_of(self.version).text}"
        return f"{self.task.title}: started in the background" if self.task is not None else ""


def count(dataset_id: str, operation: Operation) -> Effect:
    """What an operation would do to the newest version, before it is applied; nothing is saved.

    Raises:
        DataError: the operation does not fit the examples.
    """
    return count_effect(rows_of(get_dataset(dataset_id).version), operation)


def edited_at_once(version: VersionRecord) -> bool:
    """Whether a version is edited at once, not as a background task."""
    return is_small(version, EDITED_AT_ONCE)


def apply(
    dataset_id: str,
    operation: Operation,
    *,
    base_version_id: str,
    why: str = "",
    inline: bool | None = None,
    gathered: tuple[str, ...] = (),
) -> Applied:
    """Create a new version of a dataset; older ones remain unchanged, and so do the jobs that use them.

    Args:
        base_version_id: the version that the user looked at.
        why: the user's reason; stored in the history.
        inline: at once (True) or as a task (False); None decides by `edited_at_once`.
        gathered: ids of examples written by hand that become part of this version.

    Raises:
        Conflict: the dataset has a newer version. DataError: the operation does not fit, changes nothing, leaves
            nothing, or makes an example that cannot be trained on.
    """
    dataset = get_dataset(dataset_id)
    base = get_version(base_version_id)
    check_text("why", why)
    check_newest(dataset.id, base)
    if inline is None:
        inline = edited_at_once(base)
    if not inline:
        return Applied(task=_enqueue(dataset.name, base, operation, why, gathered))
    with scratch.folder() as folder:
        staged = build_version(base, rows_of(base), operation, why, folder, new_attempt(), lambda done: None)
    return Applied(version=publish(staged, lambda uow: mark_written(uow, gathered, staged.version_id)))


def undo(dataset_id: str, *, base_version_id: str | None = None) -> Applied:
    """Undo the newest change: a new version with the content of the one before it.

    Args:
        base_version_id: the version that the user looked at; None: the newest.

    Raises:
        Conflict: there is a newer version than the one looked at, or nothing to undo.
    """
    changes = history(dataset_id)
    newest = changes[0].version
    if base_version_id is not None:
        check_newest(newest.dataset_id, get_version(base_version_id))
    step = undo_step(changes)
    if step is None:
        name = get_dataset(dataset_id).name
        raise Conflict(f"There is nothing to undo: “{name}” has not been changed.", "Look at its history.")
    what = f"Undid “{step.undone.what.rstrip('.')}”: back to version {step.target.number}."
    return _copy(step.target, newest, "undo", what, "")


def restore(version_id: str, *, base_version_id: str | None = None, why: str = "") -> Applied:
    """Make the content of an older version the newest again; nothing in between is lost.

    Raises:
        Conflict: it is already the newest, or there is a newer one than `base_version_id`.
    """
    check_text("why", why)
    old = get_version(version_id)
    newest = get_dataset(old.dataset_id).version
    if base_version_id is not None:
        check_newest(old.dataset_id, get_version(base_version_id))
    if old.id == newest.id:
        raise Conflict(f"Version {old.number} is already the newest.", "Choose an older one.")
    return _copy(old, newest, "restore", f"Restored version {old.number}.", why)


# ---- as a task


def _enqueue(name: str, base: VersionRecord, operation: Operation, why: str, gathered: tuple[str, ...]) -> TaskRecord:
    """The task of an edit; pressing twice creates one task."""
    described = operation.to_dict()
    text = json.dumps(described, ensure_ascii=True)
    key = hashlib.sha256(f"{base.id}\n{text}\n{gathered}".encode()).hexdigest()[:24]
    payload: dict[str, Any] = {
        "dataset_id": base.dataset_id,
        "base_version_id": base.id,
        "why": why.strip(),
        "gathered": list(gathered),
    }
    if len(text) <= _PAYLOAD_CHARACTERS:
        payload["operation"] = described
    else:
        payload["operation_file"] = f"{EDITS}/{new_attempt()}.json"
        get_storage().write_bytes(payload["operation_file"], text.encode("ascii"))
    return enqueue_again("edit", f"{operation.title} in “{name}”", payload, f"edit:{key}")


def stored_operation(payload: Mapping[str, Any]) -> Operation:
    """The operation in the payload of a task, or in the file that it names."""
    if "operation" in payload:
        return operation_of(payload["operation"])
    return operation_of(json.loads(get_storage().read_bytes(payload["operation_file"])))


# ---- steps


def rows_of(version: VersionRecord) -> Rows:
    """The examples of a version."""
    return Rows(version_file(version.id, files.EXAMPLES))


def build_version(
    base: VersionRecord,
    rows: Rows,
    operation: Operation,
    why: str,
    folder: Path,
    attempt: str,
    tick: Callable[[int], None],
    storing: Callable[[], None] = lambda: None,
) -> Staged:
    """Write the version that an operation makes of `base`, without publishing it.

    Args:
        attempt: names the folder of the files.
        tick: called with the number of examples written so far.
        storing: called before the files are finished and copied.

    Raises:
        DataError: nothing would change.
    """
    disk.require(VERSION_BYTES_PER_STORED_BYTE * base.size_bytes, "the change")
    with VersionWriter(folder, hold_out=0.0) as out:  # the parts do not change unless the operation moves examples
        trusted = base.manifest.rules == set_rules.VERSION
        effect = build(rows, operation, out, provenance_file(base), tick, trusted=trusted)
        if effect.nothing:
            raise DataError(f"{operation.title}: nothing would change.", "Choose other settings.")
        counts = effect.added, effect.removed, effect.changed
        change = Change(operation.id, operation.describe(), why.strip(), operation.summary(), *counts)
        storing()
        return stage(base, out, change, attempt)


def _copy(old: VersionRecord, newest: VersionRecord, operation: str, what: str, why: str) -> Applied:
    """A new version with the content of an older one."""
    difference = compare(newest.id, old.id)
    with scratch.folder() as folder:
        for file in _CONTENT:
            if get_storage().exists(f"{old.path}/{file}"):
                with get_storage().open_read(f"{old.path}/{file}") as stream, (folder / file).open("wb") as target:
                    shutil.copyfileobj(stream, target)
        counts = difference.added, difference.removed, difference.changed
        change = Change(operation, what, why.strip(), {"version_id": old.id, "number": old.number}, *counts)
        blocked = bool(set_errors(folder / files.FINDINGS))
        manifest = files.write_manifest(folder, following(newest, old.manifest, change))
        staged = put(newest, folder, manifest, "failed" if blocked else "validated", new_attempt())
    return Applied(version=publish(staged, lambda uow: None))


def publish(staged: Staged, also: Callable[[UnitOfWork], None]) -> VersionRecord:
    """Make a staged version visible; `also` is done in the same transaction, and may refuse it."""
    try:
        with UnitOfWork() as uow:
            version_id = staged.publish(uow)
            also(uow)
            uow.commit()
    except BaseException:
        staged.discard()
        raise
    from core.services.data import quality  # imports the records of this package, which imports this module

    version = get_version(version_id)
    quality.after_new_version(version.dataset_id, now=False)
    return version


def mark_written(uow: UnitOfWork, written: Any, version_id: str) -> None:
    """Record that examples written by hand are part of this version."""
    from core.services.data.datasets.by_hand import mark

    if written:
        mark(uow, tuple(written), version_id)


def check_newest(dataset_id: str, base: VersionRecord) -> None:
    """Refuse to edit anything but the newest version of a dataset. Raises Conflict."""
    if base.dataset_id != dataset_id:
        raise Conflict(f"{base.id} is a version of another dataset.", "Open the dataset again.")
    with UnitOfWork(write=False) as uow:
        check_base(uow.session.get(FineTuningDataset, dataset_id), base)
