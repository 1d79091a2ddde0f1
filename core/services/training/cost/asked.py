"""The cost of a hosted job as a person chose it, on a screen, over HTTP or on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import SettingsError
from core.services.data import datasets
from core.services.platform import connections
from core.services.training.cost.hosted import estimate
from core.services.training.cost.records import CostEstimate
from core.training.providers.hosted import HostedBase


def estimate_at(
    connection: str, base_model: str, dataset: str, hyperparameters: Mapping[str, Any] | None = None
) -> CostEstimate:
    """The range of what training a dataset at a connection costs. The service is only asked which bases it trains.

    Args:
        connection, dataset: name or id.
        base_model: its id at the service; one that the service does not list is estimated as it was typed.
        hyperparameters: by the service's own names.

    Raises:
        NotFound: no such connection or dataset. SettingsError: the connection does not train. LlmError: the service
            does not respond.
    """
    record = connections.find(connection)
    if record.service is None:
        raise SettingsError(
            f"The connection “{record.name}” does not train.", "Choose where it trains under Settings.",
            field="connection",
        )  # fmt: skip
    listed = connections.base_models(record.id)
    base = next((one for one in listed if one.id == base_model), None) or HostedBase(base_model)
    return estimate(
        record.id,
        record.training,
        base,
        datasets.get_dataset(dataset).id,
        hyperparameters=hyperparameters,
        settings=record.service.hyperparameters,
    )
