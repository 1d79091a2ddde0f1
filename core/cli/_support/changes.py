"""Shared by the verbs that make or change a dataset: store the file, look up, count or apply, wait, report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.cli._support.boundary import say
from core.cli._support.output import print_json
from core.cli._support.waiting import wait_succeeded
from core.errors import DataError, NotFound

if TYPE_CHECKING:
    from core.data.editing import Operation
    from core.data.formats import Reading
    from core.services.data.datasets import DatasetRecord, VersionRecord
    from core.services.data.datasets.edits import VersionChange
    from core.services.data.sources import SourceRecord


def ingested(file: Path, reading: Reading | None = None) -> SourceRecord:
    """The file, stored as an upload is, and read as `reading` says; warnings about the file are printed.

    Raises:
        DataError: it does not exist, or is not a file.
    """
    from core.platform.supervisor import ensure
    from core.services.data import sources

    if not os.path.isfile(file):  # not Path.is_file, which raises if a name is too long
        what = "is not a file" if os.path.exists(file) else "does not exist"
        raise DataError(f"{file} {what}.", "Check the path.", code="file_missing")
    with ensure(set()), file.open("rb") as stream:
        source = sources.ingest(stream, file.name, overrides=reading)
    for found in source.detection.findings:
        if found.severity != "info":
            say(f"{found.severity}: {found.message} {found.remedy}")
    return source


def print_dataset(dataset_id: str, facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print a new dataset; its JSON object also has the given facts.

    Raises:
        typer.Exit: with 1; the dataset failed its checks, and cannot be trained on.
    """
    from core.services.data import datasets

    dataset = datasets.get_dataset(dataset_id)
    if as_json:
        about = {"dataset": dataset.id, "name": dataset.name, "state": dataset.state, "examples": dataset.examples}
        print_json({**about, **facts})
    else:
        state = dataset.state.replace("_", " ")
        print(f"{dataset.name}: {dataset.examples:,} labeled examples, {state} ({dataset.id})")
    _exit_if_failed(dataset)


def _exit_if_failed(dataset: DatasetRecord) -> None:
    """Exit with 1 where the dataset cannot be trained on, with the reasons."""
    from core.services.data import datasets

    if dataset.state != "failed":
        return
    for found in datasets.findings(dataset.version.id, limit=20, severity="error"):
        if found.line is None:  # about the full set
            say(f"{found.message} {found.remedy}".strip())
    raise typer.Exit(1)


def numbered(dataset: DatasetRecord, number: int) -> VersionRecord:
    """The version of a dataset with this number. Raises NotFound."""
    from core.services.data import datasets

    for version in datasets.versions(dataset.id):
        if version.number == number:
            return version
    text = f"“{dataset.name}” does not have a version {number}."
    raise NotFound(text, f"It has versions 1 to {dataset.version.number}.")


def change(dataset: str, operation: Operation, *, why: str, dry_run: bool, as_json: bool) -> None:
    """Apply an operation to the newest version of a dataset, or only count what it would do."""
    from core.platform.supervisor import ensure
    from core.services.data import datasets
    from core.services.data.datasets import edits as dataset_edits

    record = datasets.get_dataset(dataset)
    if dry_run:
        effect = dataset_edits.count(record.id, operation)
        if as_json:
            return print_json(effect)
        return print(
            f"{record.name} would have {effect.total:,} labeled examples, {effect.train:,} for training, "
            f"{effect.validation:,} for validation{_testing(effect.test)}: "
            f"{effect.added:,} added, {effect.removed:,} removed, {effect.changed:,} changed"
        )
    inline = dataset_edits.edited_at_once(record.version)
    with ensure(set() if inline else {"worker-cpu"}, say):
        applied = dataset_edits.apply(record.id, operation, base_version_id=record.version.id, why=why)
        if applied.task is not None:
            wait_succeeded(applied.task.id)
    print_newest(record.id, as_json=as_json)


def print_newest(dataset_id: str, *, as_json: bool) -> None:
    """Print the newest version and its change. Raises typer.Exit as `print_dataset`."""
    from core.services.data import datasets
    from core.services.data.datasets import edits as dataset_edits

    newest, dataset = dataset_edits.history(dataset_id)[0], datasets.get_dataset(dataset_id)
    if as_json:
        print_json(described(newest))
        return _exit_if_failed(dataset)
    version, name = newest.version, dataset.name
    say(newest.what)
    print(
        f"{name} v{version.number}: {version.examples:,} labeled examples, {version.train_examples:,} for training, "
        f"{version.validation_examples:,} for validation{_testing(version.test_examples)} ({version.id})"
    )
    _exit_if_failed(dataset)


def _testing(count: int) -> str:
    return f", {count:,} for testing" if count else ""


def described(change: VersionChange) -> dict[str, object]:
    """A version and its change as one flat object."""
    version = change.version
    return {
        "dataset": version.dataset_id, "version": version.id, "number": version.number, "examples": version.examples,
        "train": version.train_examples, "validation": version.validation_examples, "test": version.test_examples,
        "added": change.added, "removed": change.removed, "changed": change.changed, "what": change.what,
        "why": change.why, "created_at": version.created_at,
    }  # fmt: skip
