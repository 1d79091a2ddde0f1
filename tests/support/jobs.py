"""Shortcuts for tests about jobs: a validated dataset, a launched job, a job brought to its end without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.messages import Example, Message
from core.platform.tasks import store
from core.platform.tasks.context import TaskContext
from core.platform.tasks.lease import acquire
from core.platform.tasks.results import TaskResult
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.training import jobs, models
from core.services.training.jobs.records import JobRecord
from core.services.training.models import ModelRecord


def example(number: int, *, answer: str = "") -> Example:
    """A question and an answer that no other number has."""
    return Example(
        (Message("user", f"What is item {number}?"), Message("assistant", answer or f"Item {number} is blue."))
    )


def make_dataset(name: str = "Items", count: int = 20, validation: int = 0) -> DatasetRecord:
    """A validated dataset."""
    held_out = [example(number, answer="Blue.") for number in range(1000, 1000 + validation)]
    record = datasets.create_dataset(name, [example(number) for number in range(count)], held_out)
    assert record.state == "validated"
    return record


def launch(dataset: DatasetRecord, base: str = "starter", *, draft_key: str | None = None, **choices: Any) -> JobRecord:
    """A job on the dataset with LoRA and automatic settings."""
    given = {"name": "Items - v1", "method": "lora", **choices}
    return jobs.create(dataset_id=dataset.id, base_model=base, draft_key=draft_key, **given)


def begin(job: JobRecord, owner: str = "test:1") -> TaskContext:
    """Take the job's task as a worker would, past its checks."""
    task = store.get(job.task_id)
    if task.after_task_id:
        finish(task.after_task_id)
    lease = acquire(job.task_id, owner, first_state="validating")
    assert lease is not None
    context = TaskContext(lease)
    context.validated()
    return context


def finish(task_id: str, result: TaskResult | None = None) -> None:
    """Bring a task that others wait for to its end."""
    from core.platform.tasks.context import Outcome

    lease = acquire(task_id, "test:0")
    assert lease is not None
    TaskContext(lease).finish(Outcome("succeeded", result=result))


def succeed(job: JobRecord, adapter: Path, **measured: Any) -> ModelRecord:
    """Register what lies in `adapter` as the job's model, exactly as a worker does."""
    context = begin(job)
    outcome = models.register(context, job.id, adapter, final_loss=0.25, measured=measured)
    ended = context.finish(outcome)
    assert ended.state == "succeeded", ended
    return models.get_model(ended.result["model_id"])
