"""The registry of fine-tuned models: registered once per job, listed, named, archived, downloaded, tested."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from sqlalchemy import func, or_, select, update

from core.errors import Conflict, NotFound, SettingsError, StorageError
from core.models import base_models
from core.models.methods import METHODS
from core.platform.db.tables import FineTunedModel, FineTuningDataset, FineTuningJob
from core.platform.db.uow import UnitOfWork
from core.platform.storage import MANIFEST, get_storage
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from core.services.training.jobs import reader as job_reader
from core.services.training.jobs.speeds import record_speed
from core.services.training.results import ExactMatchResult, TrainingResult
from core.settings import get_settings

_MODELS = FineTunedModel.__table__  # type: ignore[attr-defined]
_JOBS = FineTuningJob.__table__  # type: ignore[attr-defined]
_DATASETS = FineTuningDataset.__table__  # type: ignore[attr-defined]

MAX_NAME: Final = 120
EXACT_MATCH: Final = "exact_match"


@dataclass(frozen=True, slots=True)
class MergedFiles:
    """The second set of files of a model: base and adapter in one. `path` is their storage prefix."""

    path: str
    size_bytes: int
    created_at: float


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A fine-tuned model. `state` is active or archived; `path` the storage prefix of its files."""

    id: str
    name: str
    job_id: str
    job_name: str
    dataset_id: str
    dataset_name: str
    base_model: str
    base_title: str
    method: str
    method_title: str
    state: str
    version: int
    final_loss: float | None
    path: str
    size_bytes: int
    manifest: dict[str, Any]
    notes: str
    created_at: float
    dataset_deleted: bool

    @property
    def merged(self) -> MergedFiles | None:
        """The whole model that the adapter was folded into, once that was done (`core.services.training.merging`)."""
        kept = self.manifest.get("merged")
        return MergedFiles(kept["path"], kept["size_bytes"], kept["created_at"]) if kept else None


@dataclass(frozen=True, slots=True)
class Download:
    """A zip archive on this machine, ready to be handed out."""

    filename: str
    path: Path
    size_bytes: int


# ---- registering


def register(
    ctx: TaskContext,
    job_id: str,
    directory: Path,
    *,
    final_loss: float | None,
    measured: Mapping[str, Any] | None = None,
    manifest: Mapping[str, Any] | None = None,
    stopped_early: bool = False,
) -> Outcome:
    """Store what a run made, and return the outcome whose transaction registers it. The handler returns that outcome.

    Success and cancel race in that transaction alone: it is fenced by the lease, a cancel that came before it wins,
    and a job has one model (unique in the database). The model's id follows from the job's, so that a run that is
    repeated after a crash writes the same files again.

    Args:
        directory: the adapter (adapter_config.json, adapter_model.safetensors), or the whole model.
        final_loss: of the last step.
        measured: train_seconds, tokens, tokens_per_s, peak_memory_bytes, steps and so on, as plain numbers.
        manifest: further facts for the manifest.
    """
    job = job_reader.get_job(job_id)
    model_id = f"fm_{job_id.removeprefix('job_')}"
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != MANIFEST)
    size = sum(path.stat().st_size for path in files)
    facts = {
        "model_id": model_id,
        "job_id": job.id,
        "job_name": job.name,
        "base_model": job.base_model,
        "base_revision": job.spec.base_revision,
        "chat_template_sha256": _template_hash(job.base_model),
        "dataset": {"id": job.dataset_id, "name": job.dataset_name, "sha256": job.spec.dataset_sha256},
        "spec": job.spec.model_dump(mode="json"),
        "final_loss": final_loss,
        "measured": dict(measured or {}),
        "stopped_early": stopped_early,
        "created_at": time.time(),
        "files": {path.relative_to(directory).as_posix(): file_facts(path) for path in files},
        **dict(manifest or {}),
    }
    _write_manifest(directory / MANIFEST, facts)
    get_storage().put_dir(directory, f"models/{model_id}")

    def insert(uow: UnitOfWork) -> TrainingResult:
        name, version = _free_name(uow, job.name)
        row = FineTunedModel(
            id=model_id,
            name=name,
            version=version,
            job_id=job.id,
            dataset_id=job.dataset_id,
            base_model=job.base_model,
            method=job.method,
            final_loss=final_loss,
            path=f"models/{model_id}",
            size_bytes=size,
            manifest=facts,
        )
        uow.session.add(row)
        numbers = {**dict(measured or {}), "final_loss": final_loss, "model_bytes": size}
        uow.session.connection().execute(update(_JOBS).where(_JOBS.c.id == job.id).values(measured=numbers))
        record_speed(uow, job.spec, numbers)
        uow.session.flush()
        return TrainingResult(model_id=model_id, model=name, final_loss=final_loss)

    return Outcome("succeeded", reason="stopped_early" if stopped_early else "", on_commit=insert)


def _write_manifest(path: Path, facts: Mapping[str, Any]) -> None:
    """Raises StorageError where the disk is full."""
    try:
        path.write_text(json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"The model's manifest could not be written to {path.parent}: {error.strerror}.",
            "Free disk space, then retry: the steps are done, and the run goes on from its last checkpoint.",
        ) from error


def _free_name(uow: UnitOfWork, wanted: str) -> tuple[str, int]:
    """The job's name, or, where a model has it already, the name with the next version behind it."""
    taken = set(uow.session.connection().execute(select(_MODELS.c.name)).scalars())
    version, name = 1, wanted
    while name in taken:
        version += 1
        name = f"{wanted} ({version})"
    return name, version


def file_facts(path: Path) -> dict[str, Any]:
    """Digest and size of a file, for a manifest."""
    with path.open("rb") as stream:
        return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest(), "bytes": path.stat().st_size}


def _template_hash(base_model: str) -> str:
    path = base_models.resolve(base_model).path
    if path is None or not (path / "tokenizer.json").is_file():
        return ""
    from core.models.base_models.light_tokenizer import template_of

    return hashlib.sha256(template_of(path).encode()).hexdigest()


# ---- reading


def list_models(*, include_archived: bool = False, search: str = "") -> list[ModelRecord]:
    """Models, newest first."""
    wanted = [] if include_archived else [_MODELS.c.state == "active"]
    if search:
        wanted.append(_MODELS.c.name.icontains(search, autoescape=True))
    return _read(*wanted)


def get_model(id_or_name: str) -> ModelRecord:
    """The model of an id or a name. Raises NotFound with the names that exist."""
    found = _read(or_(_MODELS.c.id == id_or_name, _MODELS.c.name == id_or_name))
    if not found:
        names = ", ".join(f"“{model.name}”" for model in list_models()[:10]) or "none yet"
        raise NotFound(f"There is no model {id_or_name!r}.", f"Models: {names}.")
    return found[0]


def _read(*conditions: Any) -> list[ModelRecord]:
    query = (
        select(
            _MODELS,
            _JOBS.c.name.label("job_name"),
            _DATASETS.c.name.label("dataset_name"),
            _DATASETS.c.deleted_at.is_not(None).label("dataset_deleted"),
        )
        .join(_JOBS, _JOBS.c.id == _MODELS.c.job_id)
        .join(_DATASETS, _DATASETS.c.id == _MODELS.c.dataset_id)
        .where(*conditions)
        .order_by(_MODELS.c.created_at.desc(), _MODELS.c.id.desc())
    )
    with UnitOfWork(write=False) as uow:
        rows = uow.session.connection().execute(query).mappings().all()
    return [
        ModelRecord(
            **dict(row),
            base_title=base_models.title_of(row["base_model"]),
            method_title=METHODS.get(row["method"]).title if row["method"] in METHODS else row["method"],
        )
        for row in rows
    ]


# ---- changing


def archive(model_id: str) -> ModelRecord:
    """Put a model away: it is kept, and no longer served or offered."""
    return _set(model_id, state="archived")


def activate(model_id: str) -> ModelRecord:
    """Serve a model again."""
    return _set(model_id, state="active")


def set_notes(model_id: str, notes: str) -> ModelRecord:
    """Write a person's notes."""
    return _set(model_id, notes=notes)


def rename(model_id: str, name: str) -> ModelRecord:
    """Give a model another name. Raises Conflict when it is taken, SettingsError when it cannot be one."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise SettingsError(f"A model's name has 1 to {MAX_NAME} characters, not {len(name)}.", "Choose another.")
    with UnitOfWork() as uow:
        query = select(func.count()).where(_MODELS.c.name == name, _MODELS.c.id != model_id)
        if uow.session.connection().execute(query).scalar_one():
            raise Conflict(f"There is a model called “{name}” already.", "Choose another name.")
        uow.session.connection().execute(update(_MODELS).where(_MODELS.c.id == model_id).values(name=name))
        uow.commit()
    return get_model(model_id)


def _set(model_id: str, **values: Any) -> ModelRecord:
    with UnitOfWork() as uow:
        uow.session.connection().execute(update(_MODELS).where(_MODELS.c.id == model_id).values(**values))
        uow.commit()
    return get_model(model_id)


# ---- handing out


def download(model_id: str, *, merged: bool = False) -> Download:
    """The model's files and manifest as one zip archive; made once (a model never changes) and kept in the cache.

    Args:
        merged: the whole model that the adapter was folded into, instead of the adapter.

    Raises:
        NotFound: there is no such model, its files are gone, or it was not merged.
    """
    model = get_model(model_id)
    if merged and model.merged is None:
        raise NotFound(f"“{model.name}” was not merged into its base.", "Merge it first, under Models.")
    path = model.merged.path if merged and model.merged else model.path
    target = get_settings().data_dir / "cache" / "downloads" / f"{path.rpartition('/')[2]}.zip"
    if not target.is_file():
        _zip(model.name, path, target)
    plain = "".join(char if char.isalnum() or char in "-_." else "-" for char in model.name).strip("-.") or model.id
    return Download(f"{plain}{'-merged' if merged else ''}.zip", target, target.stat().st_size)


def _zip(name: str, path: str, target: Path) -> None:
    storage = get_storage()
    keys = storage.list(path)
    if not keys:
        raise NotFound(f"The files of “{name}” are gone.", "Retry its job to make them again.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{time.monotonic_ns()}.part")
    try:
        # weights do not compress: stored as they are
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive_file:
            for key in keys:
                with storage.open_read(key) as source, archive_file.open(key[len(path) + 1 :], "w") as out:
                    _copy(source, out)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while block := source.read(1 << 20):
        target.write(block)


# ---- testing


def test(model_id: str) -> TaskRecord:
    """Ask every example of the model's dataset to base and tuned model, and count exact answers, as a background task.

    While one such test is under way, it is the one that is returned.
    """
    model = get_model(model_id)
    spec = job_reader.get_job(model.job_id).spec
    return evaluate_after(model.job_id, spec.dataset_version_id, f"Test “{model.name}”")


def evaluate_after(job_id: str, dataset_version_id: str, title: str, after_task_id: str | None = None) -> TaskRecord:
    """Create (or find) the test of a job's model; it may wait for the job's own task."""
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=EXACT_MATCH,
            title=title,
            payload={"job_id": job_id, "dataset_version_id": dataset_version_id},
            key=f"{EXACT_MATCH}:{job_id}",
            after_task_id=after_task_id,
        )
        uow.commit()
    announce(task.id)
    return task


def test_result(model_id: str) -> ExactMatchResult | None:
    """The result of the newest finished test of a model."""
    job_id = get_model(model_id).job_id
    for task in tasks.list_tasks(kind=EXACT_MATCH, state="succeeded"):
        if task.payload.get("job_id") == job_id:
            return ExactMatchResult.of(task)
    return None


def running_test(model_id: str) -> TaskRecord | None:
    """The test of a model that waits or runs now, or None."""
    job_id = get_model(model_id).job_id
    found = tasks.list_tasks(kind=EXACT_MATCH)
    return next((task for task in found if task.payload.get("job_id") == job_id and not task.is_terminal), None)
