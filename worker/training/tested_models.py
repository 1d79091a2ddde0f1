"""The two models of a test: the base, and what the job of the task made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import NotFound
from core.models import base_models
from core.platform.storage import get_storage
from core.platform.tasks.context import TaskContext
from core.services.training import models
from core.services.training.jobs import reader as job_reader
from worker.training.model_files import SILENT_S, base_dir, load_model, load_tokenizer, load_tuned
from worker.training.run import quiet


@dataclass(frozen=True, slots=True)
class TestedModels:
    """The directories of both models; `on_refusal` is what the job did where the template refuses an example."""

    base_path: Path
    model_dir: Path
    on_refusal: str
    tokenizer: Any

    @classmethod
    def of(cls, ctx: TaskContext) -> TestedModels:
        """Those of the task's `job_id`. Raises NotFound: the job has no model."""
        ctx.progress(1, "Evaluating", "Loading the models")
        ctx.allow(SILENT_S)
        job = job_reader.get_job(ctx.payload["job_id"], with_deleted=True)
        if job.model_id is None:
            raise NotFound(f"The job {job.name} has no model.", "Test it after it succeeds.")
        base_path = base_dir(base_models.resolve(job.base_model))
        model_dir = get_storage().local_dir(models.get_model(job.model_id).path)
        quiet()
        return cls(base_path, model_dir, job.spec.training.on_refusal, load_tokenizer(base_path))

    @property
    def policy(self) -> str:
        """What happens to an example that the template refuses: a version that the job was not launched with may have
        such examples, and they are left out then."""
        return "leave_out" if self.on_refusal == "stop" else self.on_refusal

    def base(self) -> Any:
        """The base, loaded."""
        return load_model(self.base_path)

    def tuned(self) -> Any:
        """The tuned model, loaded."""
        return load_tuned(self.base_path, self.model_dir)
