"""The launch of a job: checked against its forecast, frozen, committed once, then announced to the workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from core.errors import Conflict, DataError, NotFound, SettingsError, StorageError
from core.ids import new_id
from core.models import base_models
from core.models.base_models.records import BaseModelRef
from core.models.render import REFUSED
from core.platform.db.tables import FineTuningDataset, FineTuningJob
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import commands
from core.platform.tasks.announce import announce
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.platform import budgets
from core.services.platform.budgets import PaidWork
from core.services.training import starter
from core.services.training.cost import local
from core.services.training.jobs import hosted_choices, reader as job_reader
from core.services.training.jobs.forecasting import forecast, time_range
from core.services.training.jobs.records import Forecast, JobRecord
from core.services.training.jobs.spec_builder import MAX_NAME, freeze, suggest_name, usable
from core.training import engines
from core.training.forecast.lengths import consequences
from core.training.jobs.spec import JobSpec, TrainingConfig
from core.training.providers import DEFAULT_PROVIDER, PROVIDERS


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
    provider: str = DEFAULT_PROVIDER,
    parent_job_id: str | None = None,
    engine: str = engines.AUTO,
    connection: str = "",
    hyperparameters: Mapping[str, Any] | None = None,
    start_at: float | None = None,
) -> JobRecord:
    """Launch a job: freeze its spec, commit it as pending with its task, then wake a worker.

    The same `draft_key` always returns the same job, even when it is launched twice or from several browsers; None
    launches a new job each time. If the starter is not built yet, the job waits for the task that builds it.

    Args:
        connection: the id of a connection that trains, instead of this machine; `base_model` and `method` are then the
            service's. `method_config`, `training` and `engine` are for jobs of this machine, but for the seed.
        hyperparameters: by the service's own names; one that is left out, or *auto*, is chosen there.
        start_at: Unix seconds; the job waits until then. None: it starts as soon as possible.

    Raises:
        Conflict: the dataset is not validated. DataError: the base model is not on this machine, or nothing could be
            learned. BudgetReached: a budget does not cover it.
        NotFound, SettingsError: an id or a setting does not exist, or cannot work.
    """
    if draft_key and (existing := job_reader.find_by_draft(draft_key)):
        return existing
    if start_at is not None:
        start_at = commands.start_time(start_at)
    dataset = _validated(datasets.get_dataset(dataset_id))
    if connection or PROVIDERS.get(provider).hosted:
        asked = hosted_choices.HostedChoices(
            base_model, method, hyperparameters or {}, dict(training or {}).get("seed")
        )
        spec, outlay = hosted_choices.freeze(dataset, connection, provider, asked, parent_job_id)
        name = _checked_name(name or hosted_choices.suggest_name(dataset.id, hosted_choices.title_of(spec)))
        row = _row(name, description, spec, dataset, draft_key)
        lost = hosted_choices.checked_examples(dataset.version.id, spec.provider)
        row.forecast = {"cost": outlay.to_dict(), "warnings": list(lost)}
        return _insert(row, None, hosted_choices.paid(spec, outlay), start_at)
    base = usable(base_models.resolve(base_model))
    if method not in PROVIDERS.get(provider).capabilities.methods:
        raise SettingsError(f"The provider {provider} does not train with {method}.", "Choose another method.")
    name = _checked_name(name or suggest_name(dataset.id, base.id))
    outlook = forecast(dataset.id, base.id, method, method_config, training, engine, provider)
    _renderable(outlook)
    _learnable(outlook)
    _measurable(outlook, dataset)
    _storable(outlook)
    spec = freeze(dataset, base, method, method_config, outlook).model_copy(
        update={"provider": provider, "training_config": dict(training or {}), "parent_job_id": parent_job_id}
    )
    row = _row(name, description, spec, dataset, draft_key)
    row.forecast = outlook.to_dict()
    base_models.pin(base)
    return _insert(row, base, local.paid(time_range(outlook)), start_at)


def _row(name: str, description: str, spec: JobSpec, dataset: DatasetRecord, draft_key: str | None) -> FineTuningJob:
    return FineTuningJob(
        id=new_id("job"),
        name=name,
        description=description.strip(),
        task_id="",
        dataset_id=dataset.id,
        dataset_version_id=dataset.version.id,
        provider=spec.provider,
        connection_id=spec.hosted.connection_id if spec.hosted else None,
        base_model=spec.base_model,
        method=spec.method,
        spec=spec.model_dump(mode="json"),
        draft_key=draft_key,
        parent_job_id=spec.parent_job_id,
    )


def _insert(row: FineTuningJob, base: BaseModelRef | None, paid: PaidWork | None, start_at: float | None) -> JobRecord:
    """Insert task and job in one transaction. Of two launches of one draft at once, the second gets the first's job.

    The draft's key is unique on the task and on the job. On SQLite the second launch waits for the first; on
    PostgreSQL it violates the key and reads the first one's job.
    """
    needed = starter.ensure() if base and base.buildable and not base.ready else None
    try:
        with UnitOfWork() as uow:
            task, created = PROVIDERS.get(row.provider).create(
                uow,
                job_id=row.id,
                title=f"Train “{row.name}”",
                draft_key=row.draft_key,
                after_task_id=needed.id if needed else None,
                not_before=start_at,
            )
            if created:
                budgets.reserve_for(uow, paid, task.id, task.title)
                _keep_dataset(uow, row.dataset_id)
                row.task_id = task.id
                uow.session.add(row)
                uow.commit()
    except IntegrityError:
        created = False
    if not created:
        existing = job_reader.find_by_draft(row.draft_key or "")
        if existing is None:
            raise Conflict("This draft was launched at the same moment.", "Its job is under Jobs.")
        return existing
    announce(task.id)
    return job_reader.get_job(row.id)


def _keep_dataset(uow: UnitOfWork, dataset_id: str) -> None:
    """Lock the dataset's row until the job is committed, so that it cannot be deleted in between.

    Raises:
        NotFound: it was deleted at the same moment.
    """
    this = select(FineTuningDataset).where(FineTuningDataset.id == dataset_id).with_for_update()
    row = uow.session.exec(this).first()
    if row is None or row.deleted_at is not None:
        raise NotFound("The dataset was deleted while the job was launching.", "Choose another dataset.")


def _validated(dataset: DatasetRecord) -> DatasetRecord:
    if dataset.state != "validated":
        problem = "has errors" if dataset.state == "failed" else "is not validated yet"
        raise Conflict(
            f"The dataset “{dataset.name}” {problem}.", "Open it under Datasets, fix the errors and validate it."
        )
    return dataset


def _renderable(outlook: Forecast) -> None:
    """What the chat template refuses is left out or merged, and something remains."""
    refusals, policy = outlook.refusals, outlook.training.on_refusal
    if refusals.count and policy == "stop":
        raise DataError(refusals.text, refusals.consequence(policy), code=REFUSED)
    if refusals.count and not outlook.lengths.examples:
        raise DataError(refusals.text, "Choose another base model: no training example is left.", code=REFUSED)


def _learnable(outlook: Forecast) -> None:
    limit, policy = outlook.training.max_seq_length, outlook.training.over_length
    if outlook.over_length and policy == "stop":
        raise DataError(
            " ".join(consequences(outlook.lengths, limit, policy)),
            f"Set the maximum length to {outlook.lengths.longest:,} or more, shorten the examples, or choose truncate "
            "or drop for longer examples.",
            code="over_length",
        )
    if policy == "drop" and outlook.over_length >= outlook.lengths.examples:
        raise DataError(
            f"Every example is longer than {limit:,} tokens, and longer ones are left out.",
            "Raise the maximum length, or choose to truncate.",
            code="over_length",
        )
    if outlook.answers_lost >= outlook.lengths.examples:
        raise DataError(
            f"At {outlook.training.max_seq_length:,} tokens every example would lose its entire answer.",
            "Raise the maximum length, or shorten the inputs.",
            code="answers_lost",
        )


def _measurable(outlook: Forecast, dataset: DatasetRecord) -> None:
    """Raise SettingsError if a setting needs the validation loss and there are no validation examples."""
    if dataset.version.validation_examples:
        return
    for name, field in TrainingConfig.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        if extra.get("needs") == "validation" and getattr(outlook.training, name):
            raise SettingsError(
                f"“{field.title}” needs the validation loss, and the dataset “{dataset.name}” has no validation "
                "examples.",
                f"Hold some out under Datasets, or turn {name} off.",
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
