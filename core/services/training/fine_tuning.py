"""A fine-tuning job as programs ask for it: files, a few numbers, a suffix. It becomes a job as on the screens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from core.errors import DataError
from core.models import base_models
from core.services.data import datasets, training_files
from core.services.data.datasets import DatasetRecord
from core.services.platform import connections
from core.services.training import jobs
from core.services.training.jobs import JobRecord
from core.training.jobs.resolve import resolve
from core.training.jobs.spec import AUTO, TrainingConfig

_SEPARATOR: Final = ": "


@dataclass(frozen=True, slots=True)
class FineTuning:
    """What is asked for. A number that is None is chosen automatically; `learning_rate_multiplier` scales that choice.

    `training` and `method_config` are the studio's own settings; a number above overrides them. `connection` names one
    that trains, instead of this machine; `hyperparameters` are then its service's. `metadata` is stored in the
    description of the job, a line for each entry.
    """

    model: str
    training_file: str
    validation_file: str | None = None
    name: str = ""
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate_multiplier: float | None = None
    seed: int | None = None
    method: str = "lora"
    method_config: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    engine: str = AUTO
    connection: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    start_at: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def create(asked: FineTuning, *, draft_key: str | None = None) -> JobRecord:
    """Launch the job, once the files are imported.

    Args:
        draft_key: the same one always returns the same job; None launches a new job each time.

    Raises:
        As `training_files.dataset_of` and `jobs.create`.
    """
    description = _described(asked.metadata)
    dataset = training_files.dataset_of(asked.training_file, asked.validation_file)
    if asked.connection:
        return _elsewhere(asked, dataset, description, draft_key)
    return jobs.create(
        name=asked.name,
        description=description,
        dataset_id=dataset.id,
        base_model=asked.model,
        method=asked.method,
        method_config=dict(asked.method_config),
        training=dict(asked.training) | _numbers(asked, dataset),
        engine=asked.engine,
        start_at=asked.start_at,
        draft_key=draft_key,
    )


def _elsewhere(asked: FineTuning, dataset: DatasetRecord, description: str, draft_key: str | None) -> JobRecord:
    """The job at a hosted service: the numbers of OpenAI's names are the service's, where it has them."""
    numbers = {
        "n_epochs": asked.epochs,
        "batch_size": asked.batch_size,
        "learning_rate_multiplier": asked.learning_rate_multiplier,
    }
    given = {name: value for name, value in numbers.items() if value is not None}
    return jobs.create(
        name=asked.name,
        description=description,
        dataset_id=dataset.id,
        base_model=asked.model,
        method=asked.method,
        connection=connections.find(asked.connection).id,
        hyperparameters=given | dict(asked.hyperparameters),
        training={} if asked.seed is None else {"seed": asked.seed},
        start_at=asked.start_at,
        draft_key=draft_key,
    )


def _numbers(asked: FineTuning, dataset: DatasetRecord) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    if asked.epochs is not None:
        numbers["num_epochs"] = asked.epochs
    if asked.batch_size is not None:
        numbers |= {"per_device_batch_size": asked.batch_size, "gradient_accumulation_steps": 1}
    if asked.learning_rate_multiplier is not None:
        usual = _usual_learning_rate(asked.model, asked.method, dataset.version.train_examples)
        numbers["learning_rate"] = usual * asked.learning_rate_multiplier
    if asked.seed is not None:
        numbers["seed"] = asked.seed
    return numbers


def learning_rate_multiplier(job: JobRecord) -> float | None:
    """How far a job's learning rate is from the automatic one, as a factor; None where it is automatic."""
    if job.spec.training_config.get("learning_rate", AUTO) == AUTO:
        return None
    usual = _usual_learning_rate(job.base_model, job.method, job.examples)
    return round(float(job.spec.training.learning_rate) / usual, 6)


def _usual_learning_rate(base_model: str, method: str, examples: int) -> float:
    return float(resolve(TrainingConfig(), base_models.resolve(base_model), method, examples)[0].learning_rate)


def files_of(job: JobRecord) -> tuple[str, str | None]:
    """The ids of the training and the validation file of a job; of the dataset where it was not made of files."""
    if job.dataset_deleted:
        return job.dataset_id, None
    manifest = datasets.get_version(job.dataset_version_id).manifest
    training, validation = manifest.source, manifest.validation_source
    return (training.id if training else job.dataset_id), (validation.id if validation else None)


def _described(metadata: Mapping[str, str]) -> str:
    for name, value in metadata.items():
        if "\n" in f"{name}{value}" or _SEPARATOR in name or not name.strip():
            text = f"The entry {name!r} of the metadata has a line break, or its name has “{_SEPARATOR}”."
            raise DataError(text, "Write it on one line.", code="metadata", field="metadata")
    return "\n".join(f"{name}{_SEPARATOR}{value}" for name, value in metadata.items())


def metadata_of(job: JobRecord) -> dict[str, str]:
    """The entries that `create` has stored; {} for a job with another description."""
    lines = [line.partition(_SEPARATOR) for line in job.description.split("\n")] if job.description else []
    return {name: value for name, mark, value in lines} if all(mark for _, mark, _ in lines) else {}
