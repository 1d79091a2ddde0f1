"""Merging: an adapter merged into its base, stored as a second set of files of the same model.

The adapter is unchanged. The merged model has its own directory and manifest in the store; it is served under the
model's id followed by `:merged`.

Base plus adapter has more digits than 16 bits hold: rounded to bfloat16, the logits of a trained SmolLM2 differ by up
to 1.4 from the adapter's, in float32 by 0.0003. So a small model is merged in float32, a large one in the precision of
its base, and users can choose the other one.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select, update

from core.errors import Conflict, NotFound, SettingsError
from core.models.base_models.model_text import stored_dtype
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
from core.services.training.models import EXACT, ModelRecord
from core.services.training.results import MergeResult

KIND: Final = "merge"
_SUFFIX: Final = ":merged"
AUTO, STORED = "auto", "stored"
_EXACT_BYTES: Final = 4 << 30  # up to this size, a model is merged in float32 unless a user chooses
_EXACT_WIDTH: Final = 4


@dataclass(frozen=True, slots=True)
class Precision:
    """A precision that a model can be merged in: stored (its base's) or float32 (exact). `dtype` is torch's name."""

    id: str
    dtype: str
    size_bytes: int

    @property
    def exact(self) -> bool:
        return self.dtype == EXACT


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


def precisions(model: ModelRecord) -> tuple[Precision, ...]:
    """What the model can be merged in, the default first; only float32 where the base is stored in it, none where the
    base is not on this machine."""
    base, _ = models.base_and_method(model)
    if base.path is None or base.dims is None:
        return ()
    params, dtype = base.dims.params, stored_dtype(base.path)
    exact = Precision(EXACT, EXACT, params * _EXACT_WIDTH)
    if dtype == EXACT:
        return (exact,)
    stored = Precision(STORED, dtype, round(params * base.bytes_per_param))
    return (exact, stored) if exact.size_bytes <= _EXACT_BYTES else (stored, exact)


def must_merge(model: ModelRecord, precision: str = AUTO) -> bool:
    """Whether the model has to be merged before its files in this precision can be written."""
    if model.method not in METHODS or not METHODS.get(model.method).mergeable:
        return False
    return model.merged is None or (precision == EXACT and not model.merged.exact)


def begin(model_id: str, precision: str = AUTO) -> TaskRecord:
    """Merge a model into its base as a background task; returns the running one if there is one.

    Args:
        precision: auto, stored or float32. A model that was merged in its base's precision can be merged again in
            float32, which replaces those files.

    Raises:
        Conflict: it is already merged, archived, or its method cannot be merged; says which.
        NotFound: no such model. SettingsError: no such precision.
    """
    model = models.get_model(model_id)
    if precision not in (AUTO, STORED, EXACT):
        raise SettingsError(f"Unknown precision: {precision!r}.", f"Choose {AUTO}, {STORED} or {EXACT}.")
    if model.merged is not None and not must_merge(model, precision):
        raise Conflict(f"“{model.name}” is already merged.", "Download it, or chat with it.")
    if not must_merge(model, precision):
        raise Conflict(f"{model.method_title} cannot be merged into the base.", "Serve it in this studio.")
    if model.state != "active":
        raise Conflict(f"“{model.name}” is archived.", "Restore it first.")
    with UnitOfWork() as uow:
        task = store.create_or_join(
            uow,
            kind=KIND,
            title=f"Merge “{model.name}” into {model.base_title}",
            payload={"model_id": model.id, "precision": precision},
            key=f"{KIND}:{model.id}:{precision}",
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


def settled(model: ModelRecord, precision: str) -> str:
    """stored or float32, for a precision that may be auto."""
    if precision != AUTO:
        return precision
    found = precisions(model)
    return found[0].id if found else STORED


def register(
    ctx: TaskContext, model: ModelRecord, directory: Path, difference: float, rounded: float | None = None
) -> Outcome:
    """Store the merged model of a worker and register it, then delete the files that it replaces.

    Args:
        directory: config, safetensors weights and tokenizer.
        difference: the largest one between the logits of the adapter and of the merged model.
        rounded: the same, of a merged model in the base's precision, where that is another one.
    """
    dtype = stored_dtype(directory)
    path = f"models/{model.id}-merged{'-f32' if dtype == EXACT else ''}"
    files = sorted(file for file in directory.rglob("*") if file.is_file() and file.name != MANIFEST)
    manifest = {
        "model_id": served_id(model.id),
        "merged_from": model.id,
        "base_model": model.base_model,
        "base_revision": model.manifest.get("base_revision", ""),
        "chat_template_sha256": model.manifest.get("chat_template_sha256", ""),
        "created_at": time.time(),
        "dtype": dtype,
        "files": {file.relative_to(directory).as_posix(): models.file_facts(file) for file in files},
        "logit_difference": difference,
    }
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True), encoding="utf-8")
    get_storage().put_dir(directory, path, gives=True)
    size_bytes = sum(file.stat().st_size for file in files)
    stored = {
        "path": path, "size_bytes": size_bytes, "created_at": manifest["created_at"], "dtype": dtype,
        "difference": difference, "rounded": rounded,
    }  # fmt: skip

    def note(uow: UnitOfWork) -> str:
        row = uow.execute(select(MODELS.c.manifest).where(MODELS.c.id == model.id)).first()
        if row is None:
            raise NotFound(f"The model “{model.name}” was deleted.", "Nothing was merged.")
        changed = update(MODELS).where(MODELS.c.id == model.id).values(manifest={**row[0], "merged": stored})
        uow.execute(changed)
        return str((row[0].get("merged") or {}).get("path", ""))

    # registered before the task ends, so that what it replaces is deleted only when no row names it
    replaced = ctx.write(note)
    if replaced and replaced != path:
        get_storage().delete(replaced)
    return Outcome(
        "succeeded", result=MergeResult(model_id=model.id, size_bytes=size_bytes, logit_difference=difference)
    )
