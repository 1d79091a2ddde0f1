"""Merge an adapter into its base: a complete model that needs neither adapter nor quantization."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import torch

from core.errors import TrainingError
from core.models import base_models
from core.platform.storage import get_storage
from core.platform.tasks.context import Outcome, TaskContext
from core.services.training import merging, models
from worker.training import tuners
from worker.training.model_files import base_dir, load_model, load_tokenizer, save_model
from worker.training.run import quiet

SILENT_S: Final = 600.0  # loading a large base, or writing it
PROBE_TOKENS: Final = 32


def handle(ctx: TaskContext) -> Outcome:
    """The task `merge`: payload `model_id`; stores the complete model beside the adapter."""
    ctx.progress(2, "Merging", "Loading the base model and the adapter")
    ctx.allow(SILENT_S)
    model = models.get_model(ctx.payload["model_id"])
    base = base_models.resolve(model.base_model)
    base_path = base_dir(base)
    trained_on = model.manifest.get("base_revision")
    if trained_on and trained_on != base.revision:
        raise TrainingError(
            f"“{model.name}” was trained on another revision of {base.title} ({trained_on[:12]}; this one is "
            f"{base.revision[:12]}).",
            "Train it again, or restore the old base model.",
        )
    ctx.raise_if_interrupted()
    directory = ctx.workdir / "merged"
    difference = merge(base_path, get_storage().local_dir(model.path), directory)
    ctx.raise_if_interrupted()
    ctx.progress(80, "Merging", "Storing the complete model")
    ctx.allow(SILENT_S)
    return merging.register(ctx, model, directory, difference)


def merge(base_path: Path, adapter_dir: Path, directory: Path) -> float:
    """Write the base with the adapter merged in, unquantized, as a complete model with its tokenizer.

    The base is read in its own precision, even if the adapter was trained on a quantized one.

    Returns:
        The largest difference between the logits of adapter and merged model on a probe: only rounding to the
        precision of the base's files.

    Raises:
        TrainingError: the adapter does not fit, cannot be merged, or has weights that are not finite.
    """
    quiet()
    tokenizer = load_tokenizer(base_path)
    tuned = tuners.load(load_model(base_path), adapter_dir).eval()
    probe, probe_dtype = _probe(tuned), tuned.dtype
    before = _logits(tuned, probe)
    try:
        merged = tuned.merge_and_unload(safe_merge=True)
    except (AttributeError, NotImplementedError, ValueError) as error:
        raise TrainingError(
            f"The adapter in {adapter_dir.name} cannot be merged into its base: {error}",
            "Serve it with its base model instead.",
        ) from error
    width = _stored_dtype(base_path) or merged.dtype
    merged = merged.to(width).to(probe_dtype)  # as it will be read back
    difference = float((before - _logits(merged, probe)).abs().max())
    save_model(merged.to(width), tokenizer, directory)
    return difference


def _stored_dtype(base_path: Path) -> torch.dtype | None:
    """The precision of the base's files: those of the merged model are not larger."""
    config = json.loads((base_path / "config.json").read_text(encoding="utf-8"))
    dtype = getattr(torch, str(config.get("dtype") or config.get("torch_dtype") or ""), None)
    return dtype if isinstance(dtype, torch.dtype) else None


def _probe(model: Any) -> torch.Tensor:
    """Token ids for a probe, the same every time."""
    size = int(model.config.get_text_config().vocab_size)
    return (torch.arange(PROBE_TOKENS, device=model.device) * 7919 % size).unsqueeze(0)


@torch.inference_mode()
def _logits(model: Any, input_ids: torch.Tensor) -> torch.Tensor:
    logits: torch.Tensor = model(input_ids=input_ids, use_cache=False).logits.float()
    return logits
