"""A fine-tuning job inside its background task: check, train, create the model.

Progress is 0-10 while the dataset is checked, 20-95 during the steps, 95-100 while the model is created. Every write
goes through the task's lease, so a worker that lost it can change nothing.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, update

from core.errors import DataError, NotFound, StorageError, TrainingError
from core.messages import Example
from core.models import base_models, methods
from core.models.methods import Method
from core.platform.db.tables import JOBS, MetricPoint, SampleAnswer
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import datasets
from core.services.training import metrics
from core.services.training.jobs import first_batch, lengths, reader as job_reader
from core.services.training.jobs.records import JobRecord
from core.text import format_loss, plural
from core.training import engines
from core.training.jobs.spec import JobSpec
from core.training.metrics import Point
from core.training.precision import PrecisionChoice
from worker.training import checkpoints, token_cache
from worker.training.data import Prepared
from worker.training.engines import Watching
from worker.training.model_creation import from_checkpoint, make_model
from worker.training.model_files import SILENT_S, base_dir
from worker.training.precision import RESUMED
from worker.training.run import TrainResult, train
from worker.training.runtime import reporting_out_of_memory
from worker.training.samples import Sample

FLUSH_EVERY_S: Final = 1.0  # points are written together, at most once a second
_OUTCOMES: Final = {"paused": "paused", "cancelled": "cancelled", "released": "released"}


def handle(ctx: TaskContext) -> Outcome:
    """Train by the job's frozen spec; resumes from the newest checkpoint in its work directory."""
    job = job_reader.find_by_task(ctx.task.id)
    if job is None:
        raise DataError("The job of this task no longer exists.", "Start a new one.")
    began = time.perf_counter()
    reporter = Reporter(ctx, job)
    if (step := _checkpoint_step(ctx)) and not ctx.keeps:
        ctx.continues_at(reporter.percent_at(step))
    ctx.progress(1, "Validating", "Reading the dataset")
    examples = _examples(job)
    base_path = _base_path(job.spec)
    ctx.raise_if_interrupted()
    if ctx.keeps:
        return from_checkpoint(ctx, job, base_path, examples)
    ctx.progress(2, "Validating", "Loading the base model")
    ctx.allow(SILENT_S)
    method = methods.build(job.spec.method, job.spec.method_config)
    engine = _engine(ctx, job.spec, method)
    try:
        result = train(
            base_path,
            examples,
            method,
            job.spec.training,
            ctx.workdir,
            engine=engine,
            watching=reporter.watching(),
            token_cache=token_cache.directory(),
            revision=job.spec.base_revision,
        )
    except (TrainingError, StorageError):
        reporter.failed()
        raise
    reporter.flush()
    if result.model_dir is None:
        return Outcome(_OUTCOMES[result.status])
    if result.example_losses:
        losses = result.example_losses
        text = f"The loss of {losses.examples:,} of {losses.of:,} examples was measured in {losses.seconds:.1f} s"
        ctx.event("evaluation", f"{text}: the worst are shown below.")
    reporter.say_end(result)
    with reporting_out_of_memory(job.spec.training, method, job.examples):
        measured = _measured(ctx, job.id, result, time.perf_counter() - began)
        stopped = result.status in ("stopped", "early_stopped")
        return make_model(ctx, job, base_path, result.model_dir, examples, measured, engine, stopped_early=stopped)


def _checkpoint_step(ctx: TaskContext) -> int:
    """The step of the last checkpoint of an earlier attempt; 0 if there is none."""
    with UnitOfWork(write=False) as uow:
        return store.checkpoint_steps(uow, [ctx.lease.task_id]).get(ctx.lease.task_id, 0)


def _examples(job: JobRecord) -> list[Example]:
    """The dataset version of the spec, verified to have the same contents as at launch."""
    try:
        if datasets.get_version(job.spec.dataset_version_id).sha256 != job.spec.dataset_sha256:
            raise DataError(
                f"The contents of the dataset “{job.dataset_name}” have changed since this job was launched.",
                "Start a new job with the current dataset.",
            )
        return list(datasets.iter_examples(job.spec.dataset_version_id))
    except NotFound as error:
        raise DataError(
            f"The dataset “{job.dataset_name}” was deleted with its examples.", "Start a new job with another dataset."
        ) from error


def _base_path(spec: JobSpec) -> Path:
    base = base_models.resolve(spec.base_model)
    if base.revision != spec.base_revision and base_models.pinned_revision(spec.base_model):
        # the job's own revision, as long as its files exist
        base = base_models.resolve(f"{spec.base_model}@{spec.base_revision}")
    path = base_dir(base)
    if spec.base_revision and base.revision != spec.base_revision:
        raise TrainingError(
            f"The base model {base.title} has changed since this job was launched ({spec.base_revision[:12]} then, "
            f"{base.revision[:12]} now).",
            "Start a new job.",
        )
    return path


def _engine(ctx: TaskContext, spec: JobSpec, method: Method) -> str:
    """The engine of the spec, or its replacement on this machine, with an event that says so."""
    choice = engines.settle(spec.engine, spec.engine_asked, method)
    if choice.engine != spec.engine:
        ctx.event("engine", choice.reason, level="warning")
    return choice.engine


class Reporter:
    """Writes what a run reports to the task and its metric points."""

    def __init__(self, ctx: TaskContext, job: JobRecord) -> None:
        self.ctx, self.job = ctx, job
        self.total = job.spec.training.total_steps
        self.waiting: list[Point] = []
        self.flushed_at = 0.0

    def watching(self) -> Watching:
        return Watching(
            signal=self.ctx.signal,
            sign_of_life=self.ctx.signal,
            on_preparing=self.on_preparing,
            on_precision=self.on_precision,
            on_loaded=self.on_loaded,
            on_point=self.on_point,
            on_first_batch=self.on_first_batch,
            on_batch_size=self.on_batch_size,
            on_saving=self.flush,
            on_checkpoint=self.on_checkpoint,
            on_passed_over=self.on_passed_over,
            on_samples=self.on_samples,
        )

    def on_preparing(self, share: float) -> None:
        self.ctx.raise_if_interrupted()
        self.ctx.progress(2 + 6 * share, "Validating", "Counting tokens")

    def on_precision(self, choice: PrecisionChoice) -> None:
        """Report what the run computes in; a resumed run has the reason from when it began."""
        if choice.reason == RESUMED:
            return
        self.ctx.event("precision", f"The run computes in {choice.precision}: {choice.reason}.")
        if choice.warning:
            self.ctx.event("precision", choice.warning, level="warning")
        facts = {"precision": choice.precision, "precision_reason": choice.reason}
        self.ctx.write(lambda uow: uow.execute(update(JOBS).where(JOBS.c.id == self.job.id).values(measured=facts)))

    def on_loaded(self, data: Prepared, resumed_from: int) -> None:
        """The data is ready: report what the maximum length cut off, and delete points that will be computed again."""
        self.ctx.raise_if_interrupted()
        self._say_lengths(data)
        base = base_models.resolve(self.job.base_model)
        lengths.keep_lengths(self.job.dataset_version_id, base, data.spans, self.job.spec.training.on_refusal)

        def delete_stale(uow: UnitOfWork) -> None:
            tables: tuple[Any, ...] = (MetricPoint, SampleAnswer)
            for table in tables:
                columns = table.__table__.c
                uow.execute(delete(table).where(columns.job_id == self.job.id, columns.step > resumed_from))

        self.ctx.write(delete_stale)
        if resumed_from:
            self.ctx.event("recovery", f"Resumed from the checkpoint at step {resumed_from:,}.")
        self.ctx.validated()
        self.ctx.continues_at(0)  # the checkpoint is read: from here on the steps themselves count
        self.ctx.progress(
            self.percent_at(resumed_from),
            "Training",
            f"{len(data.train):,} training examples, {data.train_tokens:,} tokens per epoch",
        )

    def _say_lengths(self, data: Prepared) -> None:
        length, drops = self.job.spec.training.max_seq_length, self.job.spec.training.over_length == "drop"
        why = "they are longer than" if drops else "their entire answer is beyond"
        refused = plural(data.refused, "example was", "examples were")
        texts = {
            "refused": f"{refused} left out: the base model's chat template does not accept them.",
            "dropped": f"{data.dropped:,} examples were left out: {why} {length:,} tokens.",
            "truncated": f"{data.truncated:,} examples were cut off at {length:,} tokens; part of each answer is "
            "learned.",
        }
        for name, text in texts.items():
            if count := getattr(data, name):
                self.ctx.event("data", text, level="warning", data={name: count})

    def on_first_batch(self, shown: dict[str, Any]) -> None:
        self.ctx.event("data", first_batch.keep(self.job.id, shown).summary)

    def on_batch_size(self, size: int, rates: dict[int, float]) -> None:
        speeds = ", ".join(f"{count}: {rate:,.0f}" for count, rate in rates.items())
        fastest = f"{plural(size, 'example')} at once from here on: the fastest on this machine"
        self.ctx.event("engine", f"{fastest} (tokens per second: {speeds}).", data={"examples_at_once": size})

    def on_point(self, point: Point) -> None:
        self.waiting.append(point)
        if point.split == "validation":
            part = f" (on {point.part})" if point.part else ""
            self.ctx.event("evaluation", f"Step {point.step:,}: validation loss {format_loss(point.loss)}{part}")
        if time.monotonic() - self.flushed_at >= FLUSH_EVERY_S:
            self.flush()
        message = f"Step {point.step:,} of {self.total:,}, loss {format_loss(point.loss)}"
        self.ctx.progress(self.percent_at(point.step), "Training", message)

    def percent_at(self, step: int) -> float:
        """The job's progress at a step; until 20 percent its data is prepared, from 95 percent on its model is made."""
        return 20 + 75 * min(1.0, step / self.total)

    def on_samples(self, step: int, samples: list[Sample]) -> None:
        """Store the answers of a step; answers from before a resume are replaced."""
        columns = SampleAnswer.__table__.c  # type: ignore[attr-defined]

        def replace(uow: UnitOfWork) -> None:
            uow.execute(delete(SampleAnswer).where(columns.job_id == self.job.id, columns.step == step))
            uow.session.add_all(
                SampleAnswer(
                    job_id=self.job.id,
                    step=step,
                    position=sample.position,
                    split=sample.prompt.split,
                    messages=[message.to_dict() for message in sample.prompt.messages],
                    expected=sample.prompt.expected,
                    answer=sample.answer,
                    cut=sample.cut,
                )
                for sample in samples
            )

        self.ctx.write(replace)

    def flush(self) -> None:
        """Write the waiting points. Called before every checkpoint, so that none is missing after a resume."""
        self.flushed_at = time.monotonic()
        if not self.waiting:
            return
        self.ctx.write(lambda uow: metrics.write(uow, self.job.id, self.waiting))
        self.waiting.clear()

    def on_checkpoint(self, step: int, directory: Path) -> None:
        self.ctx.saved(f"Checkpoint at step {step:,}", {"step": step})

    def on_passed_over(self, steps: list[int], resumed_from: int) -> None:
        """Report which newer checkpoints are damaged, and what is used instead."""
        named = ", ".join(f"{step:,}" for step in sorted(steps))
        instead = f"the one of step {resumed_from:,} is used" if resumed_from else "the run starts over"
        self.ctx.event(
            "recovery",
            f"The checkpoint of step {named} is damaged (its files do not match their hashes); {instead} instead.",
            level="warning",
            data={"damaged": steps, "step": resumed_from},
        )

    def failed(self) -> None:
        """The run failed: write what was measured, and report which checkpoint is left."""
        self.flush()
        newest = checkpoints.newest(self.ctx.workdir / "checkpoints")
        step = checkpoints.step_of(newest) if newest else 0
        text = f"The last good checkpoint is from step {step:,}." if newest else "There is no good checkpoint."
        self.ctx.event("checkpoint", text, level="info" if newest else "warning", data={"step": step})

    def say_end(self, result: TrainResult) -> None:
        """Report the results of early stopping and of the best checkpoint."""
        plan = self.job.spec.training
        if result.status == "early_stopped":
            self.ctx.event(
                "evaluation",
                f"Early stopping at step {result.step:,} of {self.total:,}: the validation loss did not fall in "
                f"{plan.early_stopping_patience} measurements in a row.",
            )
        if not plan.keep_best:
            return
        loss = "" if result.validation_loss is None else f" ({format_loss(result.validation_loss)})"
        if result.kept_step == result.step:
            text = f"The model is from the last step, {result.step:,}{loss}: no other step had a lower validation loss."
        else:
            text = (
                f"The model is from step {result.kept_step:,}, which had the lowest validation loss{loss}; at the last "
                f"step, {result.step:,}, it was {format_loss(result.last_validation_loss)}."
            )
        self.ctx.event("evaluation", text, data={"kept_step": result.kept_step})


def _measured(ctx: TaskContext, job_id: str, result: TrainResult, seconds: float) -> dict[str, Any]:
    """What the run used, next to its forecast; `seconds` from the start of this attempt to the verified model."""
    alike = (
        *("tokens", "peak_memory_bytes", "baseline_memory_bytes", "kept_step", "validation_loss", "trainable_params"),
        *("truncated", "dropped", "refused", "validation_examples", "validation_of"),
        "examples_at_once",
    )
    precision, reason = job_reader.get_job(job_id).precision
    return {
        **{name: getattr(result, name) for name in alike},
        "precision": precision,
        "precision_reason": reason,
        "train_seconds": round(result.train_seconds, 3),
        "total_seconds": round(seconds, 3),
        "disk_bytes": sum(checkpoints.tree_bytes(part) for part in (ctx.workdir, result.model_dir) if part),
        "load_seconds": round(result.load_seconds, 3),
        "between_seconds": round(result.between_seconds, 3),
        "tokens_per_s": round(result.tokens / result.train_seconds, 1) if result.train_seconds else None,
        "steps": result.step,
        "final_loss": result.loss,
        "resumed": ctx.lease.epoch - 1,  # every takeover except the first
        "example_losses": asdict(result.example_losses) if result.example_losses else None,
        "answer_speed": asdict(result.answer_speed) if result.answer_speed else None,
    }
