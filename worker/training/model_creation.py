"""Saved weights -> a registered model: a smoke test, storage, and the transaction that registers it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from core.errors import StorageError
from core.messages import Example
from core.models import methods
from core.models.refusals import accepted
from core.platform.tasks.context import Outcome, TaskContext
from core.services.training import models
from core.services.training.jobs.records import JobRecord
from worker.training import checkpoints, resume_state, tuners
from worker.training.generate import answer, split_last_answer
from worker.training.model_files import SILENT_S, load_model, load_tokenizer, load_tuned, save_model
from worker.training.run import quiet
from worker.training.runtime import reporting_out_of_memory

_LIBRARIES: Final = ("torch", "transformers", "peft", "trl", "tokenizers", "safetensors")


def make_model(
    ctx: TaskContext,
    job: JobRecord,
    base_path: Path,
    directory: Path,
    examples: Sequence[Example],
    measured: dict[str, Any],
    engine: str,
    *,
    stopped_early: bool,
) -> Outcome:
    """Test the saved files with one question, store them, and return the outcome that registers the model."""
    began = time.perf_counter()
    ctx.progress(95, "Creating the model", "Answering one question with the saved files")
    ctx.allow(SILENT_S)
    smoke, reload_s = _smoke_test(base_path, directory, examples, job.spec.training.on_refusal)
    ctx.progress(98, "Creating the model", "Storing it")
    if "total_seconds" in measured:  # includes this step, as the forecast does
        total = round(measured["total_seconds"] + time.perf_counter() - began, 3)
        measured = {**measured, "total_seconds": total, "reload_seconds": round(reload_s, 3)}
    versions = {name: version(name) for name in _LIBRARIES}
    return models.register(
        ctx,
        job.id,
        directory,
        final_loss=measured["final_loss"],
        measured=measured,
        manifest={"smoke_test": smoke, "versions": versions, "engine": engine, "kept_step": measured["kept_step"]},
        stopped_early=stopped_early,
    )


def _smoke_test(
    base_path: Path, model_dir: Path, examples: Sequence[Example], on_refusal: str
) -> tuple[dict[str, str], float]:
    """One greedy answer of the saved model, loaded again: proof that its files can be served; and the seconds that
    loading took."""
    began = time.perf_counter()
    tokenizer = load_tokenizer(base_path)
    conversations = ((accepted(item.messages, tokenizer, on_refusal, item.tools), item.tools) for item in examples)
    messages, tools = next((messages, tools) for messages, tools in conversations if messages is not None)
    question, expected = split_last_answer(messages)
    tuned = load_tuned(base_path, model_dir).eval()
    loaded_s = time.perf_counter() - began
    text = answer(tuned, tokenizer, [question], tools=[tools], max_new_tokens=64)[0]
    return {"question": question[-1].content, "expected": expected, "answer": text}, loaded_s


def from_checkpoint(ctx: TaskContext, job: JobRecord, base_path: Path, examples: Sequence[Example]) -> Outcome:
    """Create the model of a run that did not finish from its newest checkpoint that verifies, marked as stopped early.

    No step is done, so that what ended the run (divergence, memory, a full disk) does not happen again. With *keep the
    best checkpoint* on, the best one is used if it still exists.

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
        resume_state.load_weights(model, directory)
        model_dir = save_model(model, load_tokenizer(base_path), ctx.workdir / "model")
        ctx.raise_if_interrupted()
        measured, engine = _measured(totals, step), job.spec.engine
        outcome = make_model(ctx, job, base_path, model_dir, examples, measured, engine, stopped_early=True)
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
        "precision": totals.get("precision"),
    }
