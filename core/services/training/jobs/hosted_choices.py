"""The choices for a job at a hosted service, checked against what the service can do, and frozen into its spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from core.errors import SettingsError
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from core.services.platform import connections
from core.services.platform.budgets import TRAINING, PaidWork
from core.services.platform.connections import ConnectionRecord
from core.services.training import cost
from core.services.training.cost.records import CostEstimate
from core.services.training.hosted import bases_of, host_of, training_connections
from core.services.training.jobs import reader as job_reader
from core.training.jobs.spec import AUTO, HostedChoice, JobSpec, ResolvedTraining
from core.training.providers import PROVIDERS
from core.training.providers.hosted import HostedBase, HostedService
from core.training.providers.hosted_services import HOSTED_SERVICES
from core.training.providers.hosted_wire import training_file
from core.training.providers.hosted_wire.settings import checked

SUGGESTED_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class HostedChoices:
    """What a person chose."""

    base_model: str
    method: str
    hyperparameters: Mapping[str, Any]
    seed: int | None = None


def freeze(
    dataset: DatasetRecord, connection_id: str, provider: str, asked: HostedChoices, parent_job_id: str | None
) -> tuple[JobSpec, CostEstimate]:
    """Everything that a hosted job depends on, as it is now, and what it is expected to cost.

    Raises:
        SettingsError: no connection was chosen, it does not train, or it does not offer the base model, the method or a
            hyperparameter; names the field. DataError: the dataset has too few or too many examples for the service.
    """
    connection, service = place(connection_id, provider)
    base = _base(connection, asked)
    values = {name: value for name, value in asked.hyperparameters.items() if value not in (AUTO, None, "")}
    values = dict(checked(service.hyperparameters, values))
    checked_examples(dataset.version.id, service.id)
    epochs = values.get("n_epochs", 0)
    outlay = cost.estimate(
        connection.id, service.id, base, dataset.id, hyperparameters=values, settings=service.hyperparameters
    )
    spec = JobSpec(
        dataset_id=dataset.id,
        dataset_version_id=dataset.version.id,
        dataset_sha256=dataset.version.sha256,
        provider=service.id,
        base_model=base.id,
        base_revision=str(base.extra.get("revision") or ""),
        method=asked.method,
        method_config={},
        training=ResolvedTraining.elsewhere(epochs if isinstance(epochs, int) else 0),
        training_sources={},
        parent_job_id=parent_job_id,
        hosted=HostedChoice(
            connection_id=connection.id,
            connection=connection.name,
            service=service.id,
            host=host_of(connection),
            base_title=base.title or base.id,
            hyperparameters=values,
            seed=asked.seed,
        ),
    )
    return spec, outlay


@lru_cache(maxsize=32)
def checked_examples(version_id: str, service_id: str) -> tuple[str, ...]:
    """What the file of a dataset version does not say at a service, as sentences; versions never change.

    Raises:
        DataError: the service does not take these examples, or not so few or many.
    """
    service = HOSTED_SERVICES.get(service_id)
    examples = datasets.iter_examples(version_id)
    return training_file.check(examples, "train", service.file_rules, service.title).warnings


def estimate(
    dataset_id: str, connection_id: str, base_model: str, hyperparameters: Mapping[str, Any] | None = None
) -> CostEstimate:
    """What a job at a connection is expected to cost.

    Raises:
        SettingsError: the connection does not train. NotFound: no such dataset or connection.
    """
    connection, service = place(connection_id)
    base = bases_of(connection.id).find(base_model) or HostedBase(base_model)
    given = dict(hyperparameters or {})
    settings = service.hyperparameters
    return cost.estimate(connection.id, service.id, base, dataset_id, hyperparameters=given, settings=settings)


def paid(spec: JobSpec, outlay: CostEstimate) -> PaidWork:
    """What a job may cost at most, and where."""
    name = spec.hosted.connection if spec.hosted else ""
    return PaidWork(TRAINING, outlay.high_usd, name, outlay.low_usd)


def place(connection_id: str, provider: str = "") -> tuple[ConnectionRecord, HostedService]:
    """The connection that a job was given, and the service that trains there.

    Raises:
        SettingsError: none was given, or it does not train. NotFound: it does not exist.
    """
    if not connection_id:
        named = ", ".join(f"“{one.name}”" for one in training_connections() if one.training == provider)
        text = f"Training at {PROVIDERS.get(provider).title} needs a connection."
        raise SettingsError(
            text, f"Choose one: {named}." if named else "Add one under Settings, Connections.", field="connection"
        )
    connection = connections.get(connection_id)
    if connection.service is None:
        raise SettingsError(
            f"The connection “{connection.name}” does not train.",
            "Choose where it trains under Settings, Connections.",
            field="connection",
        )
    return connection, connection.service


def title_of(spec: JobSpec) -> str:
    """The title of a job's base model at its service."""
    return spec.hosted.base_title if spec.hosted else spec.base_model


def suggest_name(dataset_id: str, title: str) -> str:
    """A name such as `Support - gpt-4.1-mini - v1`, with the title of the base model and the next free number."""
    end = f" - {title[:40]} - v"
    name = datasets.get_dataset(dataset_id).name
    room = max(1, SUGGESTED_NAME - len(end) - len("999"))
    stem = f"{name if len(name) <= room else name[: room - 1].rstrip() + '…'}{end}"
    taken = job_reader.names_like(stem)
    return f"{stem}{next(number for number in range(1, len(taken) + 2) if f'{stem}{number}' not in taken)}"


def _base(connection: ConnectionRecord, asked: HostedChoices) -> HostedBase:
    """The base model at the service; one that it does not list is taken as it was typed if it lists none at all."""
    listed = bases_of(connection.id)
    if listed.error is not None:
        raise listed.error
    base = listed.find(asked.base_model)
    if base is None and listed.bases:
        names = ", ".join(one.id for one in listed.bases[:8])
        more = f" and {len(listed.bases) - 8} more" if len(listed.bases) > 8 else ""
        raise SettingsError(
            f"“{connection.name}” does not train the base model {asked.base_model!r}.",
            f"Choose one of: {names}{more}.",
            field="base_model",
        )
    if base is None and not asked.base_model:
        raise SettingsError("No base model was chosen.", "Enter its name at the service.", field="base_model")
    assert connection.service is not None
    base = base or HostedBase(asked.base_model, methods=connection.service.capabilities.methods)
    if asked.method not in base.methods:
        raise SettingsError(
            f"“{connection.name}” does not train {base.title or base.id} with {asked.method}.",
            f"Choose one of: {', '.join(base.methods)}.",
            field="method",
        )
    return base
