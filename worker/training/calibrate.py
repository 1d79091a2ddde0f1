"""A few real steps with the chosen base, method, batch and length: the basis of the time forecast."""

from __future__ import annotations

import random
import time
from dataclasses import asdict
from pathlib import Path
from typing import Final

from core.messages import Example
from core.models import base_models, methods
from core.platform.db.tables import Calibration
from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Outcome, TaskContext
from core.services.data import datasets
from core.services.training.jobs.speeds import calibration_key
from core.training import engines
from core.training.jobs.spec import JobSpec
from core.training.metrics import Point
from core.training.precision import usual
from worker.training import token_cache
from worker.training.data import Prepared
from worker.training.engines import Watching
from worker.training.model_files import SILENT_S, base_dir
from worker.training.run import TrainResult, train

STEPS: Final = 8  # at most; the first one is a warm-up and is not counted
LEAST_STEPS: Final = 3
ENOUGH_S: Final = 15.0  # of counted steps; slow steps need not be repeated eight times


def handle(ctx: TaskContext) -> Outcome:
    """The task `calibration`: payload `key` and `spec` (a JobSpec); writes the Calibration row of that key."""
    key, spec = ctx.payload["key"], JobSpec.model_validate(ctx.payload["spec"])
    ctx.progress(5, "Measuring", "Loading the base model")
    ctx.allow(SILENT_S)
    row = measure(key, spec, ctx.workdir, ctx)
    ctx.raise_if_interrupted()

    def store(uow: UnitOfWork) -> None:
        uow.session.merge(row)

    return Outcome("succeeded", on_commit=store)


def measure(key: str, spec: JobSpec, folder: Path, ctx: TaskContext | None = None) -> Calibration:
    """Measure a few steps of the job in the spec, for the calibration row of a key.

    Args:
        folder: for the run's files; the caller removes it.
        ctx: the task to report to, if there is one.

    Raises:
        TrainingError: the base model is not on this machine. Also everything that `train` raises.
    """
    base = base_models.resolve(spec.base_model)
    base_path = base_dir(base)
    method = methods.build(spec.method, spec.method_config)
    times = Times(ctx)
    watching = Watching(
        on_loaded=times.on_loaded,
        on_point=times.on_point,
        signal=times.signal,
        on_saving=times.on_saving,
        on_checkpoint=times.on_checkpoint,
    )
    began = time.perf_counter()
    result = train(
        base_path,
        _sample(spec),
        method,
        spec.training,
        folder,
        engine=engines.settle(spec.engine, spec.engine_asked, method).engine,
        watching=watching,
        max_steps=STEPS,
        token_cache=token_cache.directory(),
        revision=base.revision,
    )
    device, used = result.device, result.precision.precision
    if spec.training.precision == "auto" and used != usual(device):  # it was not known when the key was made
        key = calibration_key(base, method, spec.training, device, spec.engine, used)
    row = times.row(key, began, result)
    # the forecast also uses it for other settings of the same base and method, with a wider range
    row.details = {**row.details, "base_model": spec.base_model, "method": spec.method, "precision": used}
    return row


def _sample(spec: JobSpec) -> list[Example]:
    """As many training examples as the steps need, drawn at random, so that their lengths are representative."""
    examples = list(datasets.iter_examples(spec.dataset_version_id, "train"))
    count = STEPS * spec.training.effective_batch_size
    if len(examples) <= count:
        return examples
    return random.Random(spec.training.seed).sample(examples, count)  # noqa: S311  a seeded draw, not a secret


class Times:
    """When each step ended, and its tokens."""

    def __init__(self, ctx: TaskContext | None) -> None:
        self.ctx = ctx
        self.steps: list[tuple[float, Point]] = []
        self.loaded_at = self.saving_at = 0.0
        self.saves: list[tuple[float, float]] = []  # when each checkpoint was written, and how long it took

    def signal(self) -> str:
        """The task's signal; else *stop* once enough was measured."""
        signal = self.ctx.signal() if self.ctx else ""
        if signal or len(self.steps) < LEAST_STEPS - 1:  # called before the step's own point is recorded
            return signal
        return "stop" if time.perf_counter() - self.steps[0][0] >= ENOUGH_S else ""

    def on_saving(self) -> None:
        self.saving_at = time.perf_counter()

    def on_checkpoint(self, step: int, directory: Path) -> None:
        now = time.perf_counter()
        self.saves.append((now, now - self.saving_at))

    def on_loaded(self, data: Prepared, resumed_from: int) -> None:
        self.loaded_at = time.perf_counter()
        if self.ctx:
            self.ctx.raise_if_interrupted()
            self.ctx.progress(30, "Measuring", f"Training up to {STEPS} steps")

    def on_point(self, point: Point) -> None:
        self.steps.append((time.perf_counter(), point))
        if self.ctx:
            self.ctx.progress(30 + 65 * point.step / STEPS, "Measuring", f"Step {point.step} of {STEPS}")

    def row(self, key: str, began: float, result: TrainResult) -> Calibration:
        """The measured row: the rate excludes the first step, the overhead is everything until its end."""
        (first_at, first), (last_at, last) = self.steps[0], self.steps[-1]
        counted = max(last.step - first.step, 1)
        between = sum(took for ended, took in self.saves if first_at < ended < last_at)
        seconds = (last_at - first_at - between) if last.step > first.step else result.train_seconds
        tokens = last.tokens - (first.tokens if last.step > first.step else 0)
        return Calibration(
            key=key,
            device=result.device,
            tokens_per_s=tokens / max(seconds, 1e-9),
            overhead_s=first_at - began,
            peak_memory_bytes=result.peak_memory_bytes,
            details={
                "seconds_per_step": seconds / counted,
                "steps": counted,
                "load_s": self.loaded_at - began,
                "checkpoint_s": sum(took for _, took in self.saves) / max(len(self.saves), 1),
                "baseline_memory_bytes": result.baseline_memory_bytes,
                "trainable_params": result.trainable_params,
                "answer_speed": asdict(result.answer_speed) if result.answer_speed else None,
            },
        )
