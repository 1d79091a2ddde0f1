"""The models served now, read from the database and the disk at every request, because models come and go."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from core.errors import NotFound, StorageError
from core.models import base_models
from core.models.base_models.records import BaseModelRef
from core.models.methods import METHODS
from core.platform.storage import get_storage
from core.services.serving import served
from core.services.training import merging
from core.services.training.models import ModelRecord
from core.serving import deployments

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GgufFiles:
    """What llama.cpp loads: a complete model, or a base with an adapter (None: without)."""

    model: Path
    adapter: Path | None


@dataclass(frozen=True, slots=True)
class Served:
    """A model that answers: a base, a base with an adapter, or a full fine-tuned model.

    `weights` is the directory to load (None: the base itself); `is_adapter` tells how.
    """

    id: str
    title: str
    base: BaseModelRef
    weights: Path | None
    is_adapter: bool
    created_at: float
    on_refusal: str = "stop"  # `TrainingConfig.on_refusal` of the run that made it
    gguf: GgufFiles | None = None  # where llama.cpp answers instead of the studio's own engine


def find(model_id: str, engine: str | None = None) -> Served:
    """The model with this id, name or slug.

    Args:
        engine: studio or llama_cpp; None: the one that was chosen for the model.

    Raises:
        NotFound: it does not exist, is archived, or its base is not here (any more) as it was in training.
        StorageError: its files are missing.
    """
    own, merged = merging.split(model_id)
    model = None if base_models.is_base(model_id) else served.tuned_model(own)
    if model is None:
        try:
            base = base_models.resolve(model_id)
        except NotFound as error:
            raise NotFound(f"The model {model_id!r} does not exist.", "/v1/models lists the available ones.") from error
        if not base.ready:
            raise NotFound(f"The base model {base.title} is not on this machine yet.", base.command or base.reason)
        return Served(base.id, base.title, base, None, False, 0.0)
    if model.state != "active":
        raise NotFound(f"The model “{model.name}” is archived.", "Restore it under Models.")
    if model.only_there:
        raise NotFound(f"“{model.name}” answers at its service, not here.", "Ask it over /v1/chat/completions.")
    base = base_models.resolve(model.base_model)
    if not base.ready:
        raise NotFound(f"{base.title}, the base of “{model.name}”, is missing.", base.command or base.reason)
    trained_on = model.manifest.get("base_revision")
    if trained_on and trained_on != base.revision:
        raise NotFound(
            f"“{model.name}” was trained on revision {trained_on} of {base.title}, not {base.revision}.",
            "Train it again, or restore that revision of the base model.",
        )
    on_refusal = str(model.manifest.get("spec", {}).get("training", {}).get("on_refusal", "stop"))
    served_id, title, path = model.id, model.name, model.path
    if merged:
        if model.merged is None:
            raise NotFound(f"“{model.name}” has not been merged into its base.", "Merge it under Models.")
        served_id, title, path = merging.served_id(model.id), f"{model.name} (merged)", model.merged.path
    is_adapter = not merged and METHODS.get(model.method).peft_type is not None
    weights = get_storage().local_dir(path)
    if not any(weights.glob("*.safetensors")):
        raise StorageError(f"The files of “{model.name}” were deleted.", "Retry its job to create them again.")
    gguf = None if merged else _gguf(model, engine)
    return Served(served_id, title, base, weights, is_adapter, model.created_at, on_refusal, gguf)


def _gguf(model: ModelRecord, engine: str | None) -> GgufFiles | None:
    """The files for llama.cpp, where it answers for the model; without them the studio's own engine does.

    Raises:
        NotFound: llama.cpp was requested, and the model is not published to it.
    """
    if (engine or deployments.engine_of(model.id)) != deployments.LLAMA_CPP:
        return None
    published = deployments.find(model.id, deployments.LLAMA_CPP)
    if published is not None:
        adapter = published.details["adapter"]
        files = GgufFiles(Path(published.details["model"]), Path(adapter) if adapter else None)
        if files.model.is_file() and (files.adapter is None or files.adapter.is_file()):
            return files
    if engine is None:
        log.warning("The GGUF files of %s were deleted; the studio's own engine answers", model.id)
        return None
    raise NotFound(f"“{model.name}” is not published to llama.cpp.", "Publish it under Models.")
