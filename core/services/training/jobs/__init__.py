"""Fine-tuning jobs: choose, forecast, launch once, watch, ask for an action, run again with changes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from core.errors import Conflict, DataError, InvalidTransition, NotFound, SettingsError, StorageError
from core.ids import new_id
from core.models import base_models, methods
from core.models.base_models.records import BaseModelRef
from core.platform.db.tables import Calibration, FineTuningDataset, FineTuningJob
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.records import EventRecord, TaskRecord
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.platform import tasks
from core.services.training import starter
from core.services.training.jobs import accuracy, forecasting, reader as job_reader
from core.services.training.jobs.accuracy import track_record
from core.services.training.jobs.alternatives import alternatives
from core.services.training.jobs.forecasting import forecast
from core.services.training.jobs.reader import get_job, list_jobs
from core.services.training.jobs.records import Alternative, Comparison, Forecast, JobRecord, Serving, TrackRecord
from core.training import engines
from core.training.forecast import device as devices
from core.training.forecast.lengths import consequences
from core.training.forecast.memory import MemoryForecast
from core.training.jobs import remedies as job_remedies
from core.training.jobs.remedies import Change
from core.training.jobs.spec import JobSpec, TrainingConfig
from core.training.providers import get_provider

__all__ = [
    "Alternative",
    "Change",
    "Comparison",
    "Forecast",
    "JobRecord",
    "MemoryForecast",
    "Serving",
    "TrackRecord",
    "also_helps",
    "alternatives",
    "calibrate",
    "catalog",
    "choices_of",
    "create",
    "events",
    "forecast",
    "forecast_and_measured",
    "get_job",
    "list_jobs",
    "log_lines",
    "remedies",
    "request",
    "retry_with",
    "started_over",
    "suggest_name",
    "track_record",
]

KIND: Final = "training"
MAX_NAME: Final = 120
SUGGESTED_NAME: Final = 80


def catalog() -> tuple[list[BaseModelRef], list[BaseModelRef]]:
    """Base models that can be chosen now, and those that need a command first (`reason`, `command`)."""
    found = base_models.list_models()
    ready = [base for base in found if base.ready or base.buildable]
    return ready, [base for base in found if base not in ready]


def suggest_name(dataset_id: str, base_model: str) -> str:
    """A name such as `Support - Starter - v1`, with the next free number. A long dataset name is cut, not the end."""
    end = f" - {base_models.resolve(base_model).title} - v"
    name = datasets.get_dataset(dataset_id).name
    room = max(1, SUGGESTED_NAME - len(end) - len("999"))
    stem = f"{name if len(name) <= room else name[: room - 1].rstrip() + '…'}{end}"
    taken = job_reader.names_like(stem)
    return f"{stem}{next(number for number in range(1, len(taken) + 2) if f'{stem}{number}' not in taken)}"


def create(
    *,
    name: str,
    dataset_id: str,
    base_model: str,
    method: str,
    draft_key: str | None,
    description: str = "",
    method_config: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    provider: str = "local",
    parent_job_id: str | None = None,
    engine: str = engines.AUTO,
) -> JobRecord:
    """Launch a job: freeze its spec, commit it as pending with its task, then wake a worker up.

    The same `draft_key` always gives the same job, however often and from however many browsers it is launched; None
    launches a new one each time. Where the starter is not built yet, the job waits for the task that builds it.

    Raises:
        Conflict: the dataset is not validated. DataError: the base model is not here, or nothing could be learnt.
        NotFound, SettingsError: an id or a setting that does not exist or cannot work.
    """
    if draft_key and (existing := job_reader.find_by_draft(draft_key)):
        return existing
    dataset = _validated(datasets.get_dataset(dataset_id))
    base = _usable(base_models.resolve(base_model))
    if method not in get_provider(provider).capabilities.methods:
        raise SettingsError(f"The provider {provider} does not train with {method}.", "Choose another method.")
    name = _checked_name(name or suggest_name(dataset.id, base.id))
    outlook = forecast(dataset.id, base.id, method, method_config, training, engine)
    _learnable(outlook, dataset)
    _measurable(outlook, dataset)
    _storable(outlook)
    spec = _spec(dataset, base, method, method_config, outlook).model_copy(
        update={"provider": provider, "training_config": dict(training or {}), "parent_job_id": parent_job_id}
    )
    row = FineTuningJob(
        id=new_id("job"),
        name=name,
        description=description.strip(),
        task_id="",
        dataset_id=dataset.id,
        dataset_version_id=dataset.version.id,
        provider=provider,
        base_model=base.id,
        method=method,
        spec=spec.model_dump(mode="json"),
        draft_key=draft_key,
        parent_job_id=parent_job_id,
        forecast=outlook.to_dict(),
    )
    base_models.pin(base)
    return _insert(row, base)


def _insert(row: FineTuningJob, base: BaseModelRef) -> JobRecord:
    """Task and job in one transaction. The race it settles: two launches of one draft; the second gets the first's job.

    The draft's key is unique on the task and on the job. On SQLite the second launch waits for the first; on
    PostgreSQL it meets the key and reads what the first one wrote.
    """
    needed = starter.ensure() if base.buildable and not base.ready else None
    key = f"job:{row.draft_key}" if row.draft_key else None
    provider = get_provider(row.provider)
    try:
        with UnitOfWork() as uow:
            task, created = store.create(
                uow,
                kind=provider.task_kind,
                title=f"Train “{row.name}”",
                queue=provider.queue,
                payload={"job_id": row.id},
                idempotency_key=key,
                after_task_id=needed.id if needed else None,
            )
            if created:
                _keep_dataset(uow, row.dataset_id)
                row.task_id = task.id
                uow.session.add(row)
                uow.commit()
    except IntegrityError:
        created = False
    if not created:
        existing = job_reader.find_by_draft(row.draft_key or "")
        if existing is None:
            raise Conflict("This draft was launched at the same moment.", "Open Jobs: its job is there.")
        return existing
    announce(task.id)
    return get_job(row.id)


def _keep_dataset(uow: UnitOfWork, dataset_id: str) -> None:
    """Hold the dataset's row until the job stands, so that it cannot be deleted in between.

    Raises:
        NotFound: it was deleted at the same moment.
    """
    this = select(FineTuningDataset).where(FineTuningDataset.id == dataset_id).with_for_update()
    row = uow.session.exec(this).first()
    if row is None or row.deleted_at is not None:
        raise NotFound("The dataset was deleted at the same moment.", "Choose another dataset.")


def retry_with(job_id: str, changes: Mapping[str, Any], *, draft_key: str | None = None) -> JobRecord:
    """Run again with other settings: a new job that names its parent (a plain retry keeps the frozen spec).

    Args:
        changes: any of name, description, dataset_id, base_model, method, engine, and the dictionaries method_config
            and training, whose entries replace the parent's one by one.
    """
    merged = _merged(choices_of(job_id), changes)
    if "name" not in changes:
        merged["name"] = suggest_name(merged["dataset_id"], merged["base_model"])
    return create(**merged, draft_key=draft_key, parent_job_id=job_id)


def _merged(choices: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = {
        **choices,
        **changes,
        "method_config": {**choices["method_config"], **changes.get("method_config", {})},
        "training": {**choices["training"], **changes.get("training", {})},
    }
    if "method" in changes and changes["method"] != choices["method"]:
        merged["method_config"] = dict(changes.get("method_config", {}))
    return merged


def remedies(job: JobRecord) -> tuple[Change, ...]:
    """The settings that would help a job that failed: () where no change of settings would."""
    if job.state != "failed" or job.method not in methods.METHODS:
        return ()
    cause = str(job.reason or job.error.get("cause") or "")
    method = methods.build(job.method, job.spec.method_config)
    return job_remedies.remedies(cause, job.spec.training, method, job.examples)


def also_helps(cause: str) -> str:
    """One sentence on what else would help after a failure of this cause; "" where nothing would."""
    return job_remedies.BESIDES.get(cause, "")


def started_over(job_id: str) -> dict[str, Any]:
    """The choices of a job that failed with the settings that would help: to fill a draft for a new job."""
    return _merged(choices_of(job_id), job_remedies.as_choices(remedies(get_job(job_id))))


def choices_of(job_id: str) -> dict[str, Any]:
    """What was chosen for a job, as `create` takes it: to fill a draft for running it again."""
    job = get_job(job_id)
    return {
        "name": job.name,
        "description": job.description,
        "dataset_id": job.dataset_id,
        "base_model": job.base_model,
        "method": job.method,
        "method_config": dict(job.spec.method_config),
        "training": dict(job.spec.training_config),
        "provider": job.provider,
        "engine": job.spec.engine_asked,
    }


def request(job_id: str, action: str) -> JobRecord:
    """Ask for cancel, pause, resume, stop (and keep), retry, or keep (the last checkpoint as a model).

    Raises InvalidTransition with what is possible.
    """
    job = get_job(job_id)
    if job.dataset_deleted and action in job_reader.NEEDS_DATASET:
        raise InvalidTransition(
            f"The dataset “{job.dataset_name}” was deleted, and “{job.name}” cannot run without its examples.",
            "Start a new job with another dataset.",
        )
    tasks.request(job.task_id, action)
    return get_job(job_id)


def events(job_id: str, since_id: int = 0) -> list[EventRecord]:
    """What happened to a job after the event `since_id`, oldest first."""
    return tasks.events(get_job(job_id).task_id, since_id)


def log_lines(job_id: str, lines: int = 200) -> list[str]:
    """The last lines of the run's log, oldest first."""
    return tasks.log_tail(get_job(job_id).task_id, lines)


def forecast_and_measured(job: JobRecord) -> list[Comparison]:
    """Forecast and measured side by side; [] before the run is over."""
    return accuracy.compare(job.forecast, job.measured)


def calibrate(
    dataset_id: str,
    base_model: str,
    method: str,
    method_config: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    engine: str = engines.AUTO,
) -> TaskRecord:
    """Have a few real steps measured on this machine; `forecast` knows the time afterwards.

    The same question gives the same task while it is not measured yet; a failed one is tried again.
    """
    dataset, base = datasets.get_dataset(dataset_id), _usable(base_models.resolve(base_model))
    outlook = forecast(dataset.id, base.id, method, method_config, training, engine)
    spec = _spec(dataset, base, method, method_config, outlook)
    needed = starter.ensure() if base.buildable and not base.ready else None
    with UnitOfWork() as uow:
        task, _ = store.create(
            uow,
            kind="calibration",
            title=f"Measure {base.title} on “{dataset.name}”",
            payload={"key": outlook.calibration_key, "spec": spec.model_dump(mode="json")},
            idempotency_key=f"calibration:{outlook.calibration_key}:{dataset.version.id}",
            after_task_id=needed.id if needed else None,
        )
        uow.commit()
    if task.state in ("failed", "cancelled"):
        return tasks.request(task.id, "retry")
    announce(task.id)
    return task


def record_speed(uow: UnitOfWork, spec: JobSpec, measured: Mapping[str, Any]) -> None:
    """Keep a finished run's speed as the newest measurement of its settings, inside the caller's transaction."""
    if not measured.get("tokens_per_s"):
        return
    base = base_models.resolve(spec.base_model)
    kind = devices.detect().kind
    method = forecasting.method_config(base, spec.method, spec.method_config)
    busy = measured["tokens"] / measured["tokens_per_s"] if measured.get("tokens") else 0.0
    whole = bool(measured.get("total_seconds")) and not measured.get("resumed")  # else part of its time is not known
    uow.session.merge(
        Calibration(
            key=forecasting.calibration_key(base, method, spec.training, kind, spec.engine),
            device=kind,
            tokens_per_s=float(measured["tokens_per_s"]),
            overhead_s=max(0.0, float(measured.get("total_seconds") or busy) - busy),
            peak_memory_bytes=int(measured.get("peak_memory_bytes") or 0),
            details={"base_model": spec.base_model, "method": spec.method, "from": "run", "whole": whole},
            created_at=time.time(),
        )
    )


def _spec(
    dataset: DatasetRecord, base: BaseModelRef, method: str, settings: Mapping[str, Any] | None, outlook: Forecast
) -> JobSpec:
    """Everything that a run depends on, as it is now."""
    return JobSpec(
        dataset_id=dataset.id,
        dataset_version_id=dataset.version.id,
        dataset_sha256=dataset.version.sha256,
        base_model=base.id,
        base_revision=base.revision,
        method=method,
        method_config=forecasting.method_config(base, method, settings).model_dump(mode="json"),
        training=outlook.training,
        training_sources=outlook.sources,
        engine=outlook.engine.engine,
        engine_asked=outlook.engine.asked,
        engine_reason=outlook.engine.reason,
    )


def _validated(dataset: DatasetRecord) -> DatasetRecord:
    if dataset.state != "validated":
        said = "has errors" if dataset.state == "failed" else "is not validated yet"
        raise Conflict(f"The dataset “{dataset.name}” {said}.", "Open it under Datasets, mend it and validate it.")
    return dataset


def _usable(base: BaseModelRef) -> BaseModelRef:
    if not (base.ready or base.buildable):
        raise DataError(base.reason, f"Run: {base.command}" if base.command else "", code="base_model")
    return base


def _learnable(outlook: Forecast, dataset: DatasetRecord) -> None:
    limit, policy = outlook.training.max_seq_length, outlook.training.over_length
    if outlook.over_length and policy == "stop":
        raise DataError(
            " ".join(consequences(outlook.lengths, limit, policy)),
            f"Set the maximum length to {outlook.lengths.longest:,} or more, shorten the examples, or choose truncate "
            "or drop for longer examples.",
            code="over_length",
        )
    if policy == "drop" and outlook.over_length >= dataset.version.train_examples:
        raise DataError(
            f"Every example is longer than {limit:,} tokens, and longer ones are left out.",
            "Raise the maximum length, or choose to truncate.",
            code="over_length",
        )
    if outlook.answers_lost >= dataset.version.train_examples:
        raise DataError(
            f"At {outlook.training.max_seq_length:,} tokens every example would lose its whole answer.",
            "Raise the maximum length, or shorten the inputs.",
            code="answers_lost",
        )


def _measurable(outlook: Forecast, dataset: DatasetRecord) -> None:
    """What looks at the validation loss needs one."""
    if dataset.version.validation_examples:
        return
    for name, field in TrainingConfig.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        if extra.get("needs") == "validation" and getattr(outlook.training, name):
            raise SettingsError(
                f"“{field.title}” looks at the validation loss, and the dataset “{dataset.name}” has no validation "
                "examples.",
                f"Hold some out under Datasets, or leave {name} off.",
            )


def _storable(outlook: Forecast) -> None:
    if outlook.disk.verdict == "too_large":
        message, _, remedy = outlook.disk.text.partition(". ")
        raise StorageError(f"{message}.", remedy)


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > MAX_NAME:
        raise SettingsError(f"The job's name has {len(name)} characters.", f"Use at most {MAX_NAME}.")
    return name
