"""Jobs at every point of their life, for the screens: made by the services, measured under a lease as a worker does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from core.data.samples import load_sample
from core.platform.db.tables import SampleAnswer
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.lease import acquire
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.platform import tasks
from core.services.training import jobs, metrics, models
from core.services.training.jobs import JobRecord
from core.services.training.models import ModelRecord
from core.training.metrics import Point


def dataset(name: str = "Support") -> DatasetRecord:
    """The shipped sample as a dataset, with its paraphrases as validation part."""
    sample = load_sample()
    return datasets.create_dataset(name, sample.train, sample.validation, origin="sample")


def launch(
    data: DatasetRecord, name: str = "Support - Starter - v1", *, method: str = "lora", **training: Any
) -> JobRecord:
    """A pending job of the starter, whose own building counts as done."""
    job = jobs.create(
        name=name, dataset_id=data.id, base_model="starter", method=method, draft_key=None, training=training
    )
    return ready(job)


def ready(job: JobRecord) -> JobRecord:
    """The job, once the building of the starter that it waits for counts as done."""
    needed = tasks.get_task(job.task_id).after_task_id
    if needed and not tasks.get_task(needed).is_terminal:
        _context(needed).finish(Outcome("succeeded"))
    return jobs.get_job(job.id)


def begin(job: JobRecord, steps: int, **measured: float) -> TaskContext:
    """Let a worker take the job and measure its first steps; both curves fall. Further measurements are constant."""
    context = _context(job.task_id, first_state="validating")
    context.event("data", f"{job.examples} training examples read.")
    context.validated()
    plan = job.spec.training
    with context.lease.fenced() as uow:
        for step in range(1, steps + 1):
            loss = 4.0 * math.exp(-6 * step / plan.total_steps) + 0.05
            base = {"epoch": step / plan.steps_per_epoch, "tokens": step * 300}
            speed = {"learning_rate": plan.learning_rate, "tokens_per_s": 9_000.0, "memory_bytes": 1_100_000_000}
            fit = {"loss": loss, "grad_norm": loss, "token_accuracy": 1 - min(1.0, loss / 4)}
            points = [Point.of("train", step, {**base, **speed, **fit, **measured})]
            if step % plan.eval_every_steps == 0:
                points.append(Point.of("validation", step, {**base, "loss": loss + 0.3}))
            metrics.write(uow, job.id, points)
        uow.commit()
    context.progress(20 + 75 * steps / plan.total_steps, "training", f"Step {steps}")
    context.event("checkpoint", f"Checkpoint saved at step {steps}.", data={"step": steps})
    return context


def succeed(job: JobRecord, directory: Path, **measured: Any) -> ModelRecord:
    """Run the job to its end and register its model (small files stand for the adapter)."""
    return finish(begin(job, job.total_steps), job, directory, **measured)


def finish(
    context: TaskContext, job: JobRecord, directory: Path, final_loss: float = 0.012, **measured: Any
) -> ModelRecord:
    """End a run that was begun, and register its model."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "adapter_config.json").write_text("{}")
    (directory / "adapter_model.safetensors").write_bytes(bytes(4096))
    taken = {"train_seconds": 48.0, "tokens": 1000, "steps": job.total_steps, "peak_memory_bytes": 1_200_000_000}
    context.finish(models.register(context, job.id, directory, final_loss=final_loss, measured=taken | measured))
    model_id = jobs.get_job(job.id).model_id
    assert model_id is not None
    return models.get_model(model_id)


def fail(context: TaskContext, message: str, remedy: str, cause: str = "out_of_memory") -> None:
    """End a run the way the worker does when training fails."""
    error = {"message": message, "remedy": remedy, "cause": cause}
    context.finish(Outcome("failed", reason=cause), error=error)


def _context(task_id: str, first_state: str = "running") -> TaskContext:
    lease = acquire(task_id, "worker-of-the-test", first_state=first_state)
    assert lease is not None
    return TaskContext(lease)


def answer(job: JobRecord, step: int, text: str) -> None:
    """What a run's model answered to its one prompt at a step."""
    prompt = {"messages": [{"role": "user", "content": "What is the refund policy?"}], "split": "validation"}
    with UnitOfWork() as uow:
        expected = "We refund within 30 days."
        uow.session.add(SampleAnswer(job_id=job.id, step=step, position=0, answer=text, expected=expected, **prompt))
        uow.commit()
