"""Jobs, their events and checkpoints as OpenAI's objects."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final, Literal

from api.data.files import RESULTS
from api.training.openai_shapes import (
    STATUSES,
    CheckpointObject,
    EventObject,
    Hyperparameters,
    JobFailure,
    JobObject,
    MethodObject,
    StudioFacts,
    SupervisedMethod,
)
from core.services.training import fine_tuning, jobs, metrics, models
from core.services.training.jobs import JobRecord
from core.services.training.metrics import Point

_EVENT, _METRIC, _CHECKPOINT = "ftevent-", "ftmetric-", "ftckpt-"
# The metrics of a point by OpenAI's names, for each split.
_NAMES: Final = {
    "train": {"loss": "train_loss", "token_accuracy": "train_mean_token_accuracy"},
    "validation": {"loss": "valid_loss", "token_accuracy": "valid_mean_token_accuracy"},
}
MOST_EPOCHS: Final = 50  # of OpenAI's description; small models automatically get more
_LEVELS: Final[dict[str, Literal["info", "warn", "error"]]] = {"warning": "warn", "error": "error"}


def job_object(job: JobRecord) -> JobObject:
    """One job."""
    training_file, validation_file = fine_tuning.files_of(job)
    numbers = _numbers(job)
    return JobObject(
        id=job.id,
        model=job.base_model,
        created_at=int(job.created_at),
        finished_at=int(job.finished_at) if job.finished_at else None,
        fine_tuned_model=job.model_id,
        result_files=[f"{RESULTS}{job.id}"] if job.state == "succeeded" else [],
        status=STATUSES[job.state],
        training_file=training_file,
        validation_file=validation_file,
        hyperparameters=numbers,
        method=MethodObject(type="supervised", supervised=SupervisedMethod(hyperparameters=numbers)),
        trained_tokens=job.point.tokens if job.is_terminal and job.point else None,
        error=_error(job),
        seed=job.spec.hosted.seed or 0 if job.spec.hosted else job.spec.training.seed,
        estimated_finish=int(time.time() + job.time_left_s) if job.time_left_s else None,
        metadata=fine_tuning.metadata_of(job),
        studio=StudioFacts(
            state=job.state,
            name=job.name,
            dataset=job.dataset_id,
            method=job.method,
            progress=job.progress,
            message=job.waiting_reason or job.message,
            actions=list(job.actions),
        ),
    )


def _numbers(job: JobRecord) -> Hyperparameters:
    """The hyperparameters of a job; those of another service as far as they have OpenAI's names."""
    if job.spec.hosted:
        own = job.spec.hosted.hyperparameters
        return Hyperparameters(**{name: own[name] for name in Hyperparameters.model_fields if name in own})
    chosen = job.spec.training_config.get("num_epochs", "auto") != "auto"
    spec, multiplier = job.spec.training, fine_tuning.learning_rate_multiplier(job)
    return Hyperparameters(
        n_epochs="auto" if spec.num_epochs > MOST_EPOCHS and not chosen else spec.num_epochs,
        batch_size=min(256, int(spec.per_device_batch_size) * int(spec.gradient_accumulation_steps)),
        learning_rate_multiplier="auto" if multiplier is None else multiplier,
    )


def _error(job: JobRecord) -> JobFailure | None:
    if job.state != "failed":
        return None
    remedy = str(job.error.get("remedy") or "")
    text = f"{job.error.get('message') or 'The run failed.'} {remedy}".strip()
    return JobFailure(code=str(job.reason or job.error.get("cause") or "failed"), message=text)


def events(job: JobRecord, since_event: int = 0, since_point: int = 0) -> list[EventObject]:
    """What happened and what was measured after an event and a point, the oldest first."""
    found: list[tuple[float, EventObject]] = []
    for event in jobs.events(job.id, since_event):
        level = _LEVELS.get(event.level, "info")
        shown = _event(f"{_EVENT}{event.id}", event.created_at, level, event.message, "message", dict(event.data))
        found.append((event.created_at, shown))
    for point in metrics.since(job.id, since_point):
        values = {"step": point.step, **_values(point)}
        loss = next((f", {name} {value:.4f}" for name, value in values.items() if name.endswith("loss")), "")
        text = f"Step {point.step}/{job.total_steps}{loss}"
        found.append(
            (point.created_at, _event(f"{_METRIC}{point.id}", point.created_at, "info", text, "metrics", values))
        )
    return [event for _, event in sorted(found, key=lambda pair: pair[0])]


def last_seen(found: Sequence[EventObject], before: tuple[int, int]) -> tuple[int, int]:
    """The newest event and the newest point of these, or those seen before."""
    numbers = {_EVENT: before[0], _METRIC: before[1]}
    for event in found:
        kind = _EVENT if event.id.startswith(_EVENT) else _METRIC
        numbers[kind] = max(numbers[kind], int(event.id.removeprefix(kind)))
    return numbers[_EVENT], numbers[_METRIC]


def checkpoints(job: JobRecord) -> list[CheckpointObject]:
    """The checkpoint that answers: the one whose weights an active model has; none before that.

    A run deletes its other checkpoints, and OpenAI lists only those that are ready to use.
    """
    if not job.model_id or models.get_model(job.model_id).state != "active":
        return []
    step = int(job.measured.get("kept_step") or job.total_steps)
    saved = [event for event in jobs.events(job.id) if event.kind == "checkpoint" and event.data.get("step") == step]
    measured: dict[str, float] = {"step": step}
    for point in metrics.all_points(job.id) if saved else ():
        if point.step == step:
            measured.update(_values(point))
    return [
        CheckpointObject(
            id=f"{_CHECKPOINT}{event.id}",
            created_at=int(event.created_at),
            fine_tuning_job_id=job.id,
            fine_tuned_model_checkpoint=job.model_id,
            step_number=step,
            metrics=measured,
        )
        for event in saved[-1:]  # a run that was resumed may have saved it twice
    ]


def _event(
    event_id: str,
    at: float,
    level: Literal["info", "warn", "error"],
    text: str,
    kind: Literal["message", "metrics"],
    data: dict[str, Any],
) -> EventObject:
    return EventObject(id=event_id, created_at=int(at), level=level, message=text, type=kind, data=data)


def _values(point: Point) -> dict[str, float]:
    """The metrics of a point by OpenAI's names; the others by the studio's."""
    names = _NAMES.get(point.split, {})
    return {names.get(name, name): value for name, value in point.values.items()}
