"""Merge an adapter into its base: a complete model that needs neither adapter nor quantization."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import torch

from core.errors import TrainingError
from core.models import base_models
from core.models.base_models.model_text import stored_dtype
from core.platform import disk
from core.platform.storage import get_storage
from core.platform.tasks.context import Outcome, TaskContext
from core.services.training import merging, models
from worker.training import tuners
from worker.training.model_files import base_dir, load_model, load_tokenizer, save_model
from worker.training.run import quiet

SILENT_S: Final = 600.0  # loading a large base, or writing it
PROBE_TOKENS: Final = 32


class Differences(NamedTuple):
    """The largest differences between the logits of an adapter and of the merged model on a probe: as written, and in
    the precision of the base's files."""

    written: float
    rounded: float


def handle(ctx: TaskContext) -> Outcome:
    """The task `merge`: payload `model_id` and `precision`; stores the complete model beside the adapter."""
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
    precision = merging.settled(model, str(ctx.payload.get("precision") or merging.AUTO))
    exact = precision == models.EXACT
    needed = next((one.size_bytes for one in merging.precisions(model) if one.id == precision), 0)
    disk.require(needed, "the merged model", ctx.workdir)
    with disk.naming("the merged model", needed):
        differences = merge(base_path, get_storage().local_dir(model.path), directory, exact=exact)
    ctx.raise_if_interrupted()
    ctx.progress(80, "Merging", "Storing the complete model")
    ctx.allow(SILENT_S)
    return merging.register(ctx, model, directory, *differences)


def merge(base_path: Path, adapter_dir: Path, directory: Path, *, exact: bool = False) -> Differences:
    """Write the base with the adapter merged in, unquantized, as a complete model with its tokenizer.

    The base is read unquantized, even if the adapter was trained on a quantized one.

    Args:
        exact: write float32, not the precision of the base's files, to which base plus adapter would be rounded.

    Raises:
        TrainingError: the adapter does not fit, cannot be merged, or has weights that are not finite.
    """
    quiet()
    tokenizer = load_tokenizer(base_path)
    tuned = tuners.load(load_model(base_path, dtype=torch.float32 if exact else None), adapter_dir).eval()
    probe, probe_dtype = _probe(tuned), tuned.dtype
    before = _logits(tuned, probe)
    try:
        merged = tuned.merge_and_unload(safe_merge=True)
    except (AttributeError, NotImplementedError, ValueError) as error:
        raise TrainingError(
            f"The adapter in {adapter_dir.name} cannot be merged into its base: {error}",
            "Serve it with its base model instead.",
        ) from error
    stored: torch.dtype = getattr(torch, stored_dtype(base_path))
    if exact:
        written = float((before - _logits(merged, probe)).abs().max())
        save_model(merged.float(), tokenizer, directory)
    merged = merged.to(stored).to(probe_dtype)  # as it will be read back
    rounded = float((before - _logits(merged, probe)).abs().max())
    if not exact:
        written = rounded
        save_model(merged.to(stored), tokenizer, directory)
    return Differences(written, rounded)


def _probe(model: Any) -> torch.Tensor:
    """Token ids for a probe, the same every time."""
    size = int(model.config.get_text_config().vocab_size)
    return (torch.arange(PROBE_TOKENS, device=model.device) * 7919 % size).unsqueeze(0)


@torch.inference_mode()
def _logits(model: Any, input_ids: torch.Tensor) -> torch.Tensor:
    logits: torch.Tensor = model(input_ids=input_ids, use_cache=False).logits.float()
    return logits
