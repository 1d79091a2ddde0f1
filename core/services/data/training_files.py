"""Files of labeled examples that a program uploads, and the datasets that they become: by the import of *Upload*.

A file becomes a dataset as soon as it is uploaded. A file and a separate one with validation examples become another.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from core.errors import Conflict, DataError, NotFound
from core.platform.tasks.records import TaskRecord
from core.services.data import conversion, datasets, sources
from core.services.data.datasets import DatasetRecord
from core.services.data.results import ConversionResult
from core.services.data.sources import SourceRecord
from core.services.platform import tasks

ORIGIN: Final = "api"
IMPORT: Final = "import"
WAIT_S: Final = 120.0  # for an import that a job needs
_PAUSE_S: Final = 0.1
_MOST_IMPORTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class TrainingFile:
    """An uploaded file. `state` is uploaded, processed or error; `details` says what is wrong, or was left out."""

    id: str
    filename: str
    size_bytes: int
    created_at: float
    state: str
    details: str
    dataset_id: str


def upload(stream: BinaryIO, filename: str) -> TrainingFile:
    """Store a file and start its import.

    Raises:
        DataError: it is too large, cannot be read, is not in a shape of labeled examples, or none of its first rows is
            an example; then nothing is stored.
    """
    source = sources.ingest(stream, filename, origin=ORIGIN)
    try:
        _check(source)
        task = datasets.create_from_source(source.id, datasets.free_name(source.filename))
    except DataError:
        sources.delete(source.id)
        raise
    return _file(source, task)


def get(file_id: str) -> TrainingFile:
    """One file. Raises NotFound."""
    return _file(_source(file_id), _import_of(file_id))


def list_files(*, after: str = "", limit: int = 100, oldest_first: bool = False) -> list[TrainingFile]:
    """The files in pages, the newest first. Raises DataError where no file has the id `after`."""
    listed = sources.newest(ORIGIN, after=after, limit=limit, oldest_first=oldest_first)
    imports: dict[str, TaskRecord] = {}
    for task in tasks.list_tasks(kind=IMPORT, limit=_MOST_IMPORTS) if listed else ():
        if not task.payload.get("validation_source_id"):
            imports.setdefault(str(task.payload.get("source_id")), task)
    return [_file(source, imports.get(source.id)) for source in listed]


def content(file_id: str) -> Iterator[bytes]:
    """The bytes as they were uploaded. Raises NotFound."""
    return sources.blocks(_source(file_id).id)


def delete(file_id: str) -> None:
    """Delete a file; the dataset that was made of it remains.

    Raises:
        NotFound: the file does not exist. Conflict: an import still reads it.
    """
    source = _source(file_id)
    for task in tasks.list_tasks(kind=IMPORT, limit=_MOST_IMPORTS):
        reads = (task.payload.get("source_id"), task.payload.get("validation_source_id"))
        if source.id in reads and not task.is_terminal:
            text = f"{source.filename} is being imported: {task.title}."
            raise Conflict(text, "Wait until it has ended, or cancel it in Background jobs.")
    sources.delete(source.id)


def dataset_of(file_id: str, validation_file_id: str | None = None) -> DatasetRecord:
    """The dataset of a file, with the examples of another one for validation; waits until it is imported.

    Args:
        file_id: a file, or the id of a dataset.

    Raises:
        NotFound: a file does not exist. DataError: it could not become a dataset.
        Conflict: its import takes longer.
    """
    if file_id.startswith("ds_") and validation_file_id is None:
        return datasets.get_dataset(file_id)
    source = _source(file_id, "training_file")
    validation = _source(validation_file_id, "validation_file") if validation_file_id else None
    task = _import_of(source.id, validation.id if validation else None)
    if task is None or task.state in ("failed", "cancelled") or _dataset(task) is None:
        name = datasets.free_name(source.filename)
        task = datasets.create_from_source(source.id, name, validation_source_id=validation.id if validation else None)
    until = time.monotonic() + WAIT_S
    while not task.is_terminal:
        if time.monotonic() > until:
            text = f"{source.filename} is not imported yet: {task.message or 'it waits for a worker'}"
            raise Conflict(text, "Create the job again in a moment.", field="training_file")
        time.sleep(_PAUSE_S)
        task = tasks.get_task(task.id)
    if dataset := _dataset(task):
        return dataset
    raise DataError(_failure(task), str(task.error.get("remedy") or ""), code="invalid_file", field="training_file")


def _check(source: SourceRecord) -> None:
    """Raise DataError for a file without a labeled example."""
    shape = sources.analyze(source.id).shape
    if shape is None:
        text = f"{source.filename} is not in a known shape of labeled examples."
        raise DataError(text, 'Write one {"messages": [...]} per line.', code="shape_unknown", field="file")
    preview = conversion.preview(source.id, shape=shape, limit=1)
    if not preview.examples and preview.rejects:
        first, line = preview.rejects[0].findings[0], preview.rejects[0].line
        text = f"No row of {source.filename} is a labeled example. Line {line}: {first.message}"
        raise DataError(text, first.remedy, code=first.code, line=line, field="file")


def _source(file_id: str | None, field: str | None = None) -> SourceRecord:
    try:
        source = sources.get(str(file_id))
    except NotFound:
        source = None
    if source is None or source.origin != ORIGIN:
        raise NotFound(f"The file {file_id!r} does not exist.", "Upload it, or list the files.", field=field)
    return source


def _import_of(source_id: str, validation_source_id: str | None = None) -> TaskRecord | None:
    """The newest import of a file."""
    found = tasks.list_about(IMPORT, source_id=source_id)
    return next((task for task in found if task.payload.get("validation_source_id") == validation_source_id), None)


def _dataset(task: TaskRecord) -> DatasetRecord | None:
    """The dataset of an import that has succeeded; None before, and once it is deleted."""
    if task.state != "succeeded":
        return None
    try:
        return datasets.get_dataset(ConversionResult.of(task).dataset_id)
    except NotFound:
        return None


def _file(source: SourceRecord, task: TaskRecord | None) -> TrainingFile:
    state, details, dataset_id = "uploaded", "", ""
    if task is not None and task.state == "succeeded":
        result = ConversionResult.of(task)
        state, dataset_id = "processed", result.dataset_id
        if result.rejected:
            details = f"{result.rejected:,} of {result.read:,} rows were left out; the dataset lists them."
    elif task is not None and task.state in ("failed", "cancelled"):
        state, details = "error", _failure(task)
    return TrainingFile(source.id, source.filename, source.size_bytes, source.created_at, state, details, dataset_id)


def _failure(task: TaskRecord) -> str:
    return str(task.error.get("message") or f"The import ended as {task.state}.")
