"""Merging: an adapter merged into its base, stored as a second set of files of the same model.

The adapter is unchanged. The merged model has its own directory and manifest in the store; it is served under the
model's id followed by `:merged`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

from sqlalchemy import select, update

from core.errors import Conflict, NotFound
from core.models.methods import METHODS
from core.platform.db.tables import MODELS
from core.platform.db.uow import UnitOfWork
from core.platform.storage import MANIFEST, get_storage
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.records import TaskRecord
from core.services.platform import tasks
from core.services.training import models
from core.services.training.models import ModelRecord
from core.services.training.results import MergeResult

KIND: Final = "merge"
_SUFFIX: Final = ":merged"


def served_id(model_id: str) -> str:
    """The id under which the merged model is served."""
    return f"{model_id}{_SUFFIX}"


def split(model_id: str) -> tuple[str, bool]:
    """(id or name in the registry, whether the merged model is meant)."""
    return model_id.removesuffix(_SUFFIX), model_id.endswith(_SUFFIX)


def can_merge(model: ModelRecord) -> bool:
    """Whether the model's adapter can be merged into the base, and has not been merged yet."""
    return model.method in METHODS and METHODS.get(model.method).mergeable and model.merged is None


def trained_on_quantized_base(model: ModelRecord) -> bool:
    """Whether the base was quantized in training; merging then reads it again unquantized."""
    return "quantization" in METHODS.get(model.method)().load_arguments()


def begin(model_id: str) -> TaskRecord:
    """Merge a model into its base as a background task; returns the running one if there is one.

    Raises:
        Conflict: it is already merged, archived, or its method cannot be merged; says which.
        NotFound: no such model.
    """
    model = models.get_model(model_id)
    if model.merged is not None:
        raise Conflict(f"“{model.name}” is already merged.", "Download it, or chat with it.")
    if not can_merge(model):
        raise Conflict(f"{model.method_title} cannot be merged into the base.", "Serve it in this studio.")
    if model.state != "active":
        raise Conflict(f"“{model.name}” is archived.", "Restore it first.")
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=KIND,
            title=f"Merge “{model.name}” into {model.base_title}",
            payload={"model_id": model.id},
            key=f"{KIND}:{model.id}",
        )
        uow.commit()
    announce(task.id)
    return task


def running(model_id: str) -> TaskRecord | None:
    """The merge of a model that is waiting or running now, or None."""
    return next((task for task in tasks.list_about(KIND, model_id=model_id) if not task.is_terminal), None)


def last_failure(model_id: str) -> TaskRecord | None:
    """The newest merge of a model, if it failed."""
    merges = tasks.list_about(KIND, model_id=model_id)
    return merges[0] if merges and merges[0].state == "failed" else None


def register(ctx: TaskContext, model: ModelRecord, directory: Path, logit_difference: float) -> Outcome:
    """Store the merged model of a worker; the outcome's transaction registers it.

    Args:
        directory: config, safetensors weights and tokenizer.
        logit_difference: the largest one between the adapter and the merged model.
    """
    path = f"models/{model.id}-merged"
    files = sorted(file for file in directory.rglob("*") if file.is_file() and file.name != MANIFEST)
    manifest = {
        "model_id": served_id(model.id),
        "merged_from": model.id,
        "base_model": model.base_model,
        "base_revision": model.manifest.get("base_revision", ""),
        "chat_template_sha256": model.manifest.get("chat_template_sha256", ""),
        "created_at": time.time(),
        "files": {file.relative_to(directory).as_posix(): models.file_facts(file) for file in files},
        "logit_difference": logit_difference,
    }
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True), encoding="utf-8")
    get_storage().put_dir(directory, path)
    size_bytes = sum(file.stat().st_size for file in files)
    stored = {"path": path, "size_bytes": size_bytes, "created_at": manifest["created_at"]}

    def note(uow: UnitOfWork) -> MergeResult:
        row = uow.execute(select(MODELS.c.manifest).where(MODELS.c.id == model.id)).first()
        if row is None:
            raise NotFound(f"The model “{model.name}” was deleted.", "Nothing was merged.")
        changed = update(MODELS).where(MODELS.c.id == model.id).values(manifest={**row[0], "merged": stored})
        uow.execute(changed)
        return MergeResult(model_id=model.id, size_bytes=size_bytes, logit_difference=logit_difference)

    return Outcome("succeeded", on_commit=note)
