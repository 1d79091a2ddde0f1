"""Saved weights -> a registered model: a smoke test, storage, and the transaction that registers it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from core.messages import Example
from core.models.refusals import accepted
from core.platform.tasks.context import Outcome, TaskContext
from core.services.training import models
from core.services.training.jobs.records import JobRecord
from worker.training.generate import answer, split_last_answer
from worker.training.model_files import load_tokenizer, load_tuned

SILENT_S: Final = 180.0  # loading a model or measuring the validation loss may take this long without a sign of life
_LIBRARIES: Final = ("torch", "transformers", "peft", "trl", "tokenizers", "safetensors")


def make_model(
    ctx: TaskContext,
    job: JobRecord,
    base_path: Path,
    directory: Path,
    examples: Sequence[Example],
    *,
    final_loss: float | None,
    measured: dict[str, Any],
    facts: dict[str, Any],
    stopped_early: bool,
) -> Outcome:
    """Test the saved files with one question, store them, and return the outcome that registers the model."""
    began = time.perf_counter()
    ctx.progress(95, "Creating the model", "Answering one question with the saved files")
    ctx.allow(SILENT_S)
    smoke = _smoke_test(base_path, directory, examples, job.spec.training.on_refusal)
    ctx.progress(98, "Creating the model", "Storing it")
    if "total_seconds" in measured:  # includes this step, as the forecast does
        measured = {**measured, "total_seconds": round(measured["total_seconds"] + time.perf_counter() - began, 3)}
    return models.register(
        ctx,
        job.id,
        directory,
        final_loss=final_loss,
        measured=measured,
        manifest={"smoke_test": smoke, "versions": {name: version(name) for name in _LIBRARIES}, **facts},
        stopped_early=stopped_early,
    )


def _smoke_test(base_path: Path, model_dir: Path, examples: Sequence[Example], on_refusal: str) -> dict[str, str]:
    """One greedy answer of the saved model, loaded again: proof that its files can be served."""
    tokenizer = load_tokenizer(base_path)
    conversations = (accepted(example.messages, tokenizer, on_refusal) for example in examples)
    question, expected = split_last_answer(next(messages for messages in conversations if messages is not None))
    tuned = load_tuned(base_path, model_dir).eval()
    text = answer(tuned, tokenizer, [question], max_new_tokens=64)[0]
    return {"question": question[-1].content, "expected": expected, "answer": text}
