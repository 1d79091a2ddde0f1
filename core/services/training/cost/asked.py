"""The cost of a hosted job as a person chose it, on a screen, over HTTP or on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import SettingsError
from core.services.data import datasets
from core.services.platform import connections
from core.services.training.cost.hosted import estimate
from core.services.training.cost.own import beside
from core.services.training.cost.records import CostEstimate
from core.training.providers.hosted import AUTO, HostedBase, HostedRun


def estimate_at(
    connection: str,
    base_model: str,
    dataset: str,
    hyperparameters: Mapping[str, Any] | None = None,
    *,
    method: str = "lora",
    ask_service: bool = False,
) -> CostEstimate:
    """The range of what training a dataset at a connection costs, and the service's own estimate where it makes one.

    The service is asked which bases it trains, and for its estimate of a training file that an earlier job has sent.

    Args:
        connection, dataset: name or id.
        base_model: its id at the service; one that the service does not list is estimated as it was typed.
        hyperparameters: by the service's own names.
        ask_service: send the training file for the service's own estimate, if it is not there yet; nothing is trained.

    Raises:
        NotFound: no such connection or dataset. SettingsError: the connection does not train. LlmError: the service
            does not respond. DataError: the training file cannot be sent.
    """
    record = connections.find(connection)
    if record.service is None:
        raise SettingsError(
            f"The connection “{record.name}” does not train.", "Choose where it trains under Settings.",
            field="connection",
        )  # fmt: skip
    listed = connections.base_models(record.id)
    base = next((one for one in listed if one.id == base_model), None) or HostedBase(base_model)
    data = datasets.get_dataset(dataset)
    settings = record.service.hyperparameters
    ours = estimate(record.id, record.training, base, data.id, hyperparameters=hyperparameters, settings=settings)
    numbers = {name: value for name, value in (hyperparameters or {}).items() if value not in (AUTO, None, "")}
    run = HostedRun("estimate", data.name, base.id, method, "", hyperparameters=numbers)
    return beside(ours, record, run, data.version.id, send=ask_service)
