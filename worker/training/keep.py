"""Create a model from the last good checkpoint of a run that did not finish.

No step is done, so that what ended the run (divergence, memory, a full disk) does not happen again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import StorageError
from core.messages import Example
from core.models import methods
from core.platform.tasks.context import Outcome, TaskContext
from core.services.training.jobs.records import JobRecord
from worker.training import checkpoints, state, tuners
from worker.training.making import SILENT_S, make_model
from worker.training.memory import reporting_out_of_memory
from worker.training.model_files import load_model, load_tokenizer, save_model
from worker.training.run import quiet


def keep(ctx: TaskContext, job: JobRecord, base_path: Path, examples: Sequence[Example]) -> Outcome:
    """Load the newest checkpoint that verifies and register its weights as the job's model, marked as stopped early.

    With *keep the best checkpoint* on, the best one is used if it still exists.

    Raises:
        StorageError: no checkpoint verifies.
    """
    directory, totals = _checkpoint(ctx.workdir / "checkpoints", keep_best=job.spec.training.keep_best)
    step = checkpoints.step_of(directory)
    ctx.raise_if_interrupted()
    method = methods.build(job.spec.method, job.spec.method_config)
    ctx.validated()
    ctx.progress(95, "Creating the model", f"Loading the checkpoint from step {step:,}")
    ctx.allow(SILENT_S)
    quiet()
    with reporting_out_of_memory(job.spec.training, method, job.examples):
        model = tuners.attach(load_model(base_path, method.load_arguments()), method)
        state.load_weights(model, directory)
        model_dir = save_model(model, load_tokenizer(base_path), ctx.workdir / "model")
        ctx.raise_if_interrupted()
        outcome = make_model(
            ctx,
            job,
            base_path,
            model_dir,
            examples,
            final_loss=totals.get("loss"),
            measured=_measured(totals, step),
            facts={"engine": job.spec.engine, "kept_step": step},
            stopped_early=True,
        )
    ctx.event("evaluation", f"The model is from the checkpoint of step {step:,}.", data={"kept_step": step})
    return outcome


def _checkpoint(root: Path, *, keep_best: bool) -> tuple[Path, dict[str, Any]]:
    """The checkpoint to use, and the state of the run that it stores."""
    newest = checkpoints.newest(root)
    if newest is None:
        raise StorageError(
            "This run has no intact checkpoint left.", "Retry the job, or start a new one: it runs from the start."
        )
    totals = json.loads((newest / "totals.json").read_text())
    best = (totals.get("improvement") or {}).get("best")
    directory = checkpoints.of_step(root, best["step"]) if keep_best and best else None
    if best and directory:
        return directory, totals | {"loss": best["loss"], "validation_loss": best["validation_loss"]}
    return newest, totals


def _measured(totals: dict[str, Any], step: int) -> dict[str, Any]:
    """What the run had measured by then."""
    return {
        "train_seconds": round(float(totals["seconds"]), 3),
        "tokens": int(totals["tokens"]),
        "steps": step,
        "kept_step": step,
        "final_loss": totals.get("loss"),
        "validation_loss": totals.get("validation_loss"),
    }
