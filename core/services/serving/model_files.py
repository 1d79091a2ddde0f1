"""A tuned model as files for other programs: the formats, with the reason for each that is refused; exports, downloads.

An export is written once, because a model never changes, and can always be written again. The card is new at each
download: tests and notes come later than the weights.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from core.errors import Conflict, DataError, SettingsError, StorageError
from core.ids import new_id
from core.models.base_models.records import BaseModelRef
from core.models.methods import METHODS, Method
from core.platform import disk
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from core.services.serving import model_card
from core.services.training import merging, models
from core.services.training.models import ModelDownload, ModelRecord
from core.serving.model_formats import MODEL_FORMATS, ModelFormat, WriterInput, places

KIND: Final = "export"
CARD, CHECKSUMS = "README.md", "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class FormatChoice:
    """A format for one model. `ready` is its size in bytes if the files are written, else None; `expected` about its
    size before that, 0 if it is not known."""

    id: str
    title: str
    text: str
    ok: bool
    reason: str
    quick: bool
    needs_merge: bool
    ready: int | None
    expected: int = 0


def choices(model: ModelRecord) -> tuple[FormatChoice, ...]:
    """Every format for a model, with the reason for those that are refused."""
    base, method = models.base_and_method(model)
    return tuple(_choice(entry, model, base, method) for entry in MODEL_FORMATS)


def _choice(entry: ModelFormat, model: ModelRecord, base: BaseModelRef, method: Method) -> FormatChoice:
    verdict = entry.check(base, method)
    directory = places.export_directory(model.id, entry.id)
    ready = _size(directory) if directory.is_dir() else None
    needs_merge = entry.complete and ready is None and merging.must_merge(model, entry.precision)
    reason = verdict.reason if needs_merge or not entry.complete or not verdict.ok else ""
    if verdict.ok and entry.precision == "stored":
        reason = f"{reason} {_rounding(model, base)}".strip()
    return FormatChoice(
        entry.id,
        entry.title,
        entry.text,
        verdict.ok,
        reason,
        entry.quick and not needs_merge,
        needs_merge,
        ready,
        _expected(model, entry) if entry.complete else 0,
    )


def _rounding(model: ModelRecord, base: BaseModelRef) -> str:
    """What rounding to the precision of the base's files changes, measured where the model was merged."""
    dtype = merging.stored_dtype(base.path) if base.path is not None else merging.EXACT
    if dtype == merging.EXACT or not METHODS.get(model.method).mergeable:
        return ""
    measured = model.merged.rounded if model.merged else None
    by = " slightly" if measured is None else f" by up to {measured:.2g}"
    return f"Rounded to {dtype}: its logits differ{by} from the adapter's."


def check(model: ModelRecord, format_id: str) -> ModelFormat:
    """The format, if the model can have it.

    Raises:
        NotFound: no such format. SettingsError: the model cannot have it; says why.
    """
    entry = MODEL_FORMATS.get(format_id)
    verdict = entry.check(*models.base_and_method(model))
    if not verdict.ok:
        possible = ", ".join(choice.id for choice in choices(model) if choice.ok)
        raise SettingsError(f"{entry.title}: {verdict.reason}", f"Possible formats: {possible}." if possible else "")
    return entry


def begin(model_id: str, format_id: str) -> TaskRecord:
    """Write a model in a format as a background task; an adapter is merged first where the format needs it.

    Returns the running task if there is one.

    Raises:
        NotFound: no such model or format. SettingsError: the model cannot have this format; says why.
    """
    model = models.get_model(model_id)
    entry = check(model, format_id)
    precision = merging.EXACT if entry.precision == merging.EXACT else merging.AUTO
    merge = merging.begin(model.id, precision) if entry.complete and merging.must_merge(model, precision) else None
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=KIND,
            title=f"Write “{model.name}” as {entry.title}",
            payload={"model_id": model.id, "format": entry.id},
            key=f"{KIND}:{model.id}:{entry.id}",
            after_task_id=merge.id if merge else None,
        )
        uow.commit()
    announce(task.id)
    return task


def running(model_id: str) -> dict[str, TaskRecord]:
    """The unfinished exports of a model, by format."""
    return {
        str(task.payload["format"]): task for task in tasks.list_about(KIND, model_id=model_id) if not task.is_terminal
    }


def last_failures(model_id: str) -> dict[str, str]:
    """The error of each format's newest export, where that failed."""
    newest: dict[str, TaskRecord] = {}
    for task in tasks.list_about(KIND, model_id=model_id):
        newest.setdefault(str(task.payload["format"]), task)
    return {
        format_id: str(task.error.get("message") or "The export failed.")
        for format_id, task in newest.items()
        if task.state == "failed"
    }


def write(model_id: str, format_id: str, progress: Callable[[float], None]) -> Path:
    """The directory of a model in a format, written unless it exists; complete or not there at all.

    Args:
        progress: of 0..1; it may raise to stop.

    Raises:
        SettingsError, DataError, TrainingError, StorageError: what is wrong with the model, the base, or the disk.
    """
    model = models.get_model(model_id)
    entry = check(model, format_id)
    directory = places.export_directory(model.id, entry.id)
    if directory.is_dir():
        return directory
    source = _source(model, entry)
    part = directory.with_name(f".{entry.id}.{new_id('part')}")
    with disk.naming(f"“{model.name}” as {entry.title}", _expected(model, entry), directory.parent):
        try:
            part.mkdir(parents=True)
            import_module(entry.writer).write(source, part, entry.kind, progress)
            _write_checksums(part)
            if not directory.is_dir():
                part.rename(directory)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return directory


def _expected(model: ModelRecord, entry: ModelFormat) -> int:
    """About the bytes of a format's files; 0 if they are not known."""
    base, _ = models.base_and_method(model)
    return round(base.params * (entry.width or base.bytes_per_param)) if entry.complete else model.size_bytes


def _source(model: ModelRecord, entry: ModelFormat) -> WriterInput:
    base, _ = models.base_and_method(model)
    needs_base = not entry.quick and not entry.complete
    if needs_base and (not base.ready or base.path is None):
        raise DataError(
            f"The base model {base.title} is not on this machine: {base.reason}", base.command, code="base_model"
        )
    storage = get_storage()
    trained = storage.local_dir(model.path)
    complete = None
    if entry.complete:
        if merging.must_merge(model, entry.precision):
            exact = f" in {entry.precision}" if model.merged else ""
            raise Conflict(f"“{model.name}” has not been merged into its base{exact}.", "Merge it in Models first.")
        complete = storage.local_dir(model.merged.path) if model.merged else trained
    if complete is None or complete == trained:
        _check_intact(model.name, trained, model.manifest.get("files", {}))
    return WriterInput(model.name, model_card.license_id(base), trained, complete, base.path if base.ready else None)


def _check_intact(name: str, directory: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Check the files of training against its manifest. Raises StorageError: one was deleted or changed; names it."""
    for file, facts in files.items():
        path = directory / file
        if not path.is_file():
            raise StorageError(f"The files of “{name}” were deleted: {file}.", "Retry its job to create them again.")
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != facts["sha256"]:
                raise StorageError(
                    f"{file} of “{name}” is damaged: it is not what training saved.",
                    "Retry its job, or restore the file from a backup.",
                )


def download(model_id: str, format_id: str) -> ModelDownload:
    """A written export as one zip archive with its model card; a quick format is written first.

    Raises:
        Conflict: the format is not written yet. Others as `write`.
    """
    model = models.get_model(model_id)
    entry = check(model, format_id)
    directory = places.export_directory(model.id, entry.id)
    if not directory.is_dir():
        if not entry.quick:
            raise Conflict(f"“{model.name}” has not been written as {entry.title} yet.", "Start it first.")
        write(model.id, entry.id, lambda share: None)
    text = model_card.card(model, entry)
    readme, archive = directory / CARD, places.archive_file(model.id, entry.id)
    if not archive.is_file() or not readme.is_file() or readme.read_text(encoding="utf-8") != text:
        readme.unlink(missing_ok=True)
        readme.write_text(text, encoding="utf-8")
        _zip(directory, archive)
    return ModelDownload(filename(model, entry.id), archive, archive.stat().st_size)


def filename(model: ModelRecord, format_id: str) -> str:
    """A name for the archive: the model's, with the format."""
    plain = "".join(char if char.isalnum() or char in "-_." else "-" for char in model.name).strip("-.") or model.id
    return f"{plain}-{format_id}.zip"


def _zip(directory: Path, target: Path) -> None:
    files = sorted(file for file in directory.rglob("*") if file.is_file())
    target.parent.mkdir(parents=True, exist_ok=True)
    disk.require(_size(directory), "the download", target.parent)
    part = target.with_name(f".{target.name}.{new_id('part')}")
    with disk.naming("the download", _size(directory), target.parent):
        try:
            # weights do not compress: stored as they are
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                for file in files:
                    archive.write(file, file.relative_to(directory).as_posix())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def _write_checksums(directory: Path) -> None:
    """SHA256SUMS of every file, as `sha256sum -c` reads it."""
    lines = []
    for file in sorted(file for file in directory.rglob("*") if file.is_file()):
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        lines.append(f"{digest}  {file.relative_to(directory).as_posix()}\n")
    (directory / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
