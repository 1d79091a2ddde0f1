"""Shared by the verbs that change a dataset: look up, count or apply, wait, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.cli._support.boundary import say
from core.cli._support.output import print_json
from core.cli._support.waiting import wait_succeeded

if TYPE_CHECKING:
    from core.data.editing import Operation
    from core.services.data.datasets.edits import VersionChange


def change(dataset: str, operation: Operation, *, why: str, dry_run: bool, as_json: bool) -> None:
    """Apply an operation to the newest version of a dataset, or only count what it would do."""
    from core.platform.supervisor import ensure
    from core.services.data import datasets
    from core.services.data.datasets import edits as dataset_edits

    record = datasets.get_dataset(dataset)
    if dry_run:
        effect = dataset_edits.count(record.id, operation)
        _print_effect(record.name, effect, as_json=as_json)
        return
    inline = record.examples <= dataset_edits.EDITED_AT_ONCE
    with ensure(set() if inline else {"redis", "worker"}, say):
        applied = dataset_edits.apply(record.id, operation, base_version_id=record.version.id, why=why)
        if applied.task is not None:
            wait_succeeded(applied.task.id)
    print_newest(record.id, as_json=as_json)


def print_newest(dataset_id: str, *, as_json: bool) -> None:
    """Print the newest version and its change."""
    from core.services.data import datasets
    from core.services.data.datasets import edits as dataset_edits

    newest = dataset_edits.history(dataset_id)[0]
    if as_json:
        print_json(described(newest))
        return
    version = newest.version
    name = datasets.get_dataset(dataset_id).name
    say(newest.what)
    print(
        f"{name} v{version.number}: {version.examples:,} labeled examples, {version.train_examples:,} for training, "
        f"{version.validation_examples:,} for validation ({version.id})"
    )


def described(change: VersionChange) -> dict[str, object]:
    """A version and its change as one flat object."""
    version = change.version
    return {
        "dataset": version.dataset_id,
        "version": version.id,
        "number": version.number,
        "examples": version.examples,
        "train": version.train_examples,
        "validation": version.validation_examples,
        "added": change.added,
        "removed": change.removed,
        "changed": change.changed,
        "what": change.what,
        "why": change.why,
        "created_at": version.created_at,
    }


def _print_effect(name: str, effect: object, *, as_json: bool) -> None:
    from core.data.editing import Effect

    assert isinstance(effect, Effect)
    if as_json:
        print_json(effect)
        return
    print(
        f"{name} would have {effect.total:,} labeled examples, {effect.train:,} for training, {effect.validation:,} "
        f"for validation: {effect.added:,} added, {effect.removed:,} removed, {effect.changed:,} changed"
    )
