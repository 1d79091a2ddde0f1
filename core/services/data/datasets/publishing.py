"""A new version of a dataset that exists: staged in the store, then published in one transaction, or not at all."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlmodel import select

from core.data.quality import set_rules
from core.data.versions import files
from core.data.versions.manifest import SCHEMA_VERSION, Change, Counts, Manifest
from core.data.versions.writer import VersionWriter, Written
from core.errors import Conflict, DataError, NotFound
from core.platform.db.tables import DatasetVersion, FineTuningDataset
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.services.data.datasets import failing
from core.services.data.datasets.records import VersionRecord
from core.services.data.datasets.writing import set_errors, version_row

EDITS = "edits"  # the folder of operations that are too long for a task's row
log = logging.getLogger(__name__)
UNPUBLISHED_FOR_S = 3600.0  # an older attempt of the web app has ended without publishing


@dataclass(frozen=True, slots=True)
class Staged:
    """The stored files of a version; `publish` makes it visible, `discard` deletes them."""

    version_id: str
    prefix: str
    examples: int
    publish: Callable[[UnitOfWork], str]

    def discard(self) -> None:
        get_storage().delete(self.prefix)


def attempt_of_task(task_id: str, lease_epoch: int) -> str:
    """The name of an attempt in a worker. Two holders of one task never share a folder: one that was suspended and
    replaced cannot touch what the other has published."""
    return f"{task_id.removeprefix('task_')}-{lease_epoch}"


def new_attempt() -> str:
    """The name of an attempt without a task: the second it started, and a random part."""
    return f"{int(time.time())}-{secrets.token_hex(4)}"


def stage(
    base: VersionRecord, out: VersionWriter, change: Change, attempt: str, recipe: Mapping[str, Any] | None = None
) -> Staged:
    """Finish the files of the version that follows `base` and put them into the store.

    Args:
        attempt: names the folder of the files (`attempt_of_task`, `new_attempt`).
        recipe: of the manifest, where it changes with this version; None keeps that of `base`.

    Raises:
        DataError: no example is left.
    """
    written = out.finish()
    if written.examples == 0:
        text = f"{change.what} No examples would be left."
        raise DataError(text, "A dataset needs at least one example; to remove all of them, delete the dataset.")
    blocked = bool(set_errors(out.directory / files.FINDINGS))
    manifest = files.write_manifest(out.directory, _manifest(base, written, change, recipe))
    return put(base, out.directory, manifest, "failed" if blocked else "validated", attempt)


def put(base: VersionRecord, directory: Path, manifest: Manifest, state: str, attempt: str) -> Staged:
    """Put finished files into the store as the version after `base`, not yet published."""
    prefix = f"datasets/{base.dataset_id}/v{base.number + 1}-{attempt}"
    get_storage().put_dir(directory, prefix)

    def publish(uow: UnitOfWork) -> str:
        dataset = uow.session.exec(
            select(FineTuningDataset).where(FineTuningDataset.id == base.dataset_id).with_for_update()
        ).one_or_none()
        check_base(dataset, base)
        assert dataset is not None
        uow.session.add(version_row(manifest, prefix))
        uow.session.flush()
        dataset.current_version_id, dataset.state, dataset.updated_at = manifest.version_id, state, time.time()
        uow.session.add(dataset)
        uow.session.flush()
        failing.notice(uow, dataset)
        return manifest.version_id

    return Staged(manifest.version_id, prefix, manifest.counts.examples, publish)


def check_base(dataset: FineTuningDataset | None, base: VersionRecord) -> None:
    """Refuse to edit anything but the newest version.

    Raises:
        NotFound: the dataset was deleted. Conflict: a newer version exists; it is not overwritten.
    """
    if dataset is None or dataset.deleted_at is not None:
        raise NotFound("The dataset was deleted in the meantime.", "Choose another dataset.")
    if dataset.current_version_id != base.id:
        text = f"“{dataset.name}” has changed in the meantime: version {base.number} is no longer the latest."
        raise Conflict(text, "Look at the latest version, and make the change there.")


def sweep_attempts() -> list[str]:
    """Delete the files of versions that were never published and that no task works on."""
    storage = get_storage()
    busy = {task.id.removeprefix("task_") for task in store.find(states=_UNFINISHED, limit=100_000)}
    left: list[str] = []
    for dataset in storage.folders("datasets"):
        named = [name for name in storage.folders(f"datasets/{dataset}") if "-" in name]
        if not named:
            continue
        with UnitOfWork(write=False) as uow:
            paths = set(uow.session.exec(select(DatasetVersion.path).where(DatasetVersion.dataset_id == dataset)))
        for name in named:
            prefix, began = f"datasets/{dataset}/{name}", name.split("-")[1]
            if prefix not in paths and began not in busy and not _young(began):
                storage.delete(prefix)
                left.append(prefix)
    needed = {task.payload.get("operation_file") for task in store.find(kind="edit", states=_MAY_RUN, limit=100_000)}
    for name in storage.folders(EDITS):
        if f"{EDITS}/{name}" not in needed and not _young(name.split("-")[0]):
            storage.delete(f"{EDITS}/{name}")
            left.append(f"{EDITS}/{name}")
    if left:
        log.info("Deleted %d unpublished attempts.", len(left))
    return left


_UNFINISHED = ("pending", "validating", "queued", "running", "paused")
_MAY_RUN = (*_UNFINISHED, "failed", "cancelled")  # the latter can be retried


def _young(began: str) -> bool:
    """Whether an attempt without a task may still be running."""
    return began.isdigit() and time.time() - int(began) < UNPUBLISHED_FOR_S


def _manifest(base: VersionRecord, written: Written, change: Change, recipe: Mapping[str, Any] | None) -> Manifest:
    return replace(
        following(base, base.manifest, change),
        recipe=base.manifest.recipe if recipe is None else recipe,
        counts=written.counts(**_of_source(base.manifest.counts)),
        examples_sha256=written.examples_sha256,
        split=written.split,
        findings=dict(written.findings),
        rules=set_rules.VERSION,
        schema_version=SCHEMA_VERSION,
    )


def _of_source(counts: Counts) -> dict[str, int]:
    """What was read to make the first version: an edit does not change what was left out."""
    names = ("read", "accepted", "rejected", "conversations", "redacted", "edited")
    return {name: value for name in names if (value := getattr(counts, name)) is not None}


def following(base: VersionRecord, content: Manifest, change: Change) -> Manifest:
    """The manifest of the version after `base`, with the content of another manifest."""
    number = base.number + 1
    made: dict[str, Any] = {"version_id": f"{base.dataset_id}-v{number}", "number": number, "created_at": time.time()}
    return replace(content, parents=(base.id,), change=change, **made)
