"""The registration of a run's model: its files and manifest stored, one model per job."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from core.errors import StorageError
from core.models import base_models
from core.platform.db.tables import JOBS, MODELS, FineTunedModel
from core.platform.db.uow import UnitOfWork
from core.platform.storage import MANIFEST, get_storage
from core.platform.tasks.context import Outcome, TaskContext
from core.services.training.jobs import reader as job_reader
from core.services.training.jobs.speeds import record_speed
from core.services.training.models import lines
from core.services.training.results import TrainingResult


def register(
    ctx: TaskContext,
    job_id: str,
    directory: Path | None,
    *,
    final_loss: float | None,
    measured: Mapping[str, Any] | None = None,
    manifest: Mapping[str, Any] | None = None,
    stopped_early: bool = False,
    there: Mapping[str, Any] | None = None,
) -> Outcome:
    """Store a run's model, and return the outcome whose transaction registers it. The handler returns that outcome.

    Success and cancel race in that transaction alone: it is fenced by the lease, an earlier cancel wins, and a job has
    one model (unique in the database). The model's id is derived from the job's, so that a run that is repeated after a
    crash writes the same files again.

    Args:
        directory: the adapter (adapter_config.json, adapter_model.safetensors), or the full model; None: a hosted
            service keeps it.
        final_loss: of the last step.
        measured: train_seconds, tokens, tokens_per_s, peak_memory_bytes, steps and so on, as plain numbers.
        manifest: further facts for the manifest.
        there: of a job at a hosted service: `connection_id`, `service`, `model` (its id there), `remote_id`, and
            `answers_here`, whether the fetched adapter can be served on this machine.
    """
    job = job_reader.get_job(job_id)
    model_id = model_id_of(job_id)
    files = sorted(path for path in directory.rglob("*") if path.is_file()) if directory else []
    files = [path for path in files if path.name != MANIFEST]
    size = sum(path.stat().st_size for path in files)
    facts = {
        "model_id": model_id,
        "job_id": job.id,
        "job_name": job.name,
        "base_model": job.base_model,
        "base_revision": job.spec.base_revision,
        "chat_template_sha256": "" if _only_there(there) else base_models.template_hash(job.base_model),
        "dataset": {"id": job.dataset_id, "name": job.dataset_name, "sha256": job.spec.dataset_sha256},
        "spec": job.spec.model_dump(mode="json"),
        "final_loss": final_loss,
        "measured": dict(measured or {}),
        "stopped_early": stopped_early,
        "created_at": time.time(),
        "files": {path.relative_to(directory).as_posix(): file_facts(path) for path in files} if directory else {},
        **({"hosted": dict(there)} if there else {}),
        **dict(manifest or {}),
    }
    if directory:
        _write_manifest(directory / MANIFEST, facts)
        get_storage().put_dir(directory, f"models/{model_id}")

    def insert(uow: UnitOfWork) -> TrainingResult:
        name = _free_name(uow, job.name)
        line_id, version = lines.next_version(uow, job, model_id)
        row = FineTunedModel(
            id=model_id,
            name=name,
            line_id=line_id,
            version=version,
            job_id=job.id,
            dataset_id=job.dataset_id,
            base_model=job.base_model,
            method=job.method,
            final_loss=final_loss,
            path=f"models/{model_id}" if directory else "",
            size_bytes=size,
            manifest=facts,
        )
        uow.session.add(row)
        numbers = {**dict(measured or {}), "final_loss": final_loss, "model_bytes": size}
        uow.execute(update(JOBS).where(JOBS.c.id == job.id).values(measured=numbers))
        if not there:
            record_speed(uow, job.spec, numbers)
        uow.session.flush()
        return TrainingResult(model_id=model_id, model=name, final_loss=final_loss)

    return Outcome("succeeded", reason="stopped_early" if stopped_early else "", on_commit=insert)


def model_id_of(job_id: str) -> str:
    """The id that a job's model has, or will have."""
    return f"fm_{job_id.removeprefix('job_')}"


def set_answering(uow: UnitOfWork, model_id: str, name: str) -> None:
    """Store by which name a model of a service answers there; "" if it does not."""
    row = uow.execute(select(MODELS.c.manifest).where(MODELS.c.id == model_id)).first()
    if row is not None and (there := row[0].get("hosted")):
        manifest = {**row[0], "hosted": {**there, "model": name}}
        uow.execute(update(MODELS).where(MODELS.c.id == model_id).values(manifest=manifest))


def _only_there(there: Mapping[str, Any] | None) -> bool:
    """Whether a model answers only at a hosted service."""
    return bool(there) and not (there or {}).get("answers_here")


def _write_manifest(path: Path, facts: Mapping[str, Any]) -> None:
    """Write the manifest. Raises StorageError if the disk is full."""
    try:
        path.write_text(json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"The model's manifest could not be written to {path.parent}: {error.strerror}.",
            "Free disk space, then retry: the steps are done, and the run continues from its last checkpoint.",
        ) from error


def _free_name(uow: UnitOfWork, name: str) -> str:
    """The job's name; if a model has that name, with the next free number appended."""
    taken = set(uow.execute(select(MODELS.c.name)).scalars())
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def file_facts(path: Path) -> dict[str, Any]:
    """Digest and size of a file, for a manifest."""
    with path.open("rb") as stream:
        return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest(), "bytes": path.stat().st_size}
