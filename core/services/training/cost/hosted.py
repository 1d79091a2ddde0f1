"""What a job at a hosted service costs: tokens times epochs times a dated price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.errors import SettingsError
from core.services.data import datasets
from core.services.platform import connections
from core.services.training.cost.records import CostEstimate
from core.services.training.cost.table import price_of
from core.services.training.cost.tokens import count
from core.text import plural, range_usd
from core.training.prices import auto_epochs
from core.training.providers.hosted import AUTO, HostedBase, Hyperparameter

_EPOCHS = ("n_epochs", "epochs", "num_epochs")  # what services call them


def estimate(
    connection_id: str,
    service: str,
    base: HostedBase,
    dataset_id: str,
    *,
    hyperparameters: Mapping[str, Any] | None = None,
    settings: tuple[Hyperparameter, ...] = (),
) -> CostEstimate:
    """The range of what a job costs before anything is sent: tokens x epochs x price.

    Args:
        base: as the service lists it, with its price where it says one.
        hyperparameters: as they would be submitted; without epochs, or with *auto*, the service chooses.
        settings: those of the service: its published default counts where the service chooses.

    Raises:
        NotFound: no such dataset or connection. SettingsError: too many epochs.
    """
    version = datasets.get_dataset(dataset_id).version
    counted = count(version.id, base.id, base.context_length)
    epochs, how = _epochs(hyperparameters or {}, settings, version.train_examples)
    price = price_of(connection_id, service, base.id, base.price_usd)
    fixed = epochs[0] == epochs[1]
    times = plural(epochs[0], "epoch") if fixed else f"{epochs[0]} to {epochs[1]} epochs"
    basis = f"{counted.tokens:,} tokens ({counted.rule}) × {times}{how}"
    if price is None:
        name = connections.get(connection_id).name
        return CostEstimate(
            None, None, counted.tokens, epochs, None, "", False, "", "The price is not known.", f"{basis}.",
            f"Enter what {base.id} costs at {name} under Spending.",
        )  # fmt: skip
    low, high = price.cost(counted.low * epochs[0]), price.cost(counted.high * epochs[1])
    basis = f"{basis} × ${price.usd:,.2f} per million tokens ({price.source}, {price.as_of})."
    return CostEstimate(
        low, high, counted.tokens, epochs, price.usd, price.as_of, counted.exact and fixed, price.source,
        range_usd(low, high), basis,
    )  # fmt: skip


def _epochs(
    chosen: Mapping[str, Any], settings: tuple[Hyperparameter, ...], examples: int
) -> tuple[tuple[int, int], str]:
    """The fewest and most epochs, and who chooses them where the service does."""
    asked = _whole(next((chosen[name] for name in _EPOCHS if name in chosen), AUTO))
    if asked is not None:
        return (asked, asked), ""
    default = _whole(next((setting.default for setting in settings if setting.name in _EPOCHS), AUTO))
    if default is not None:
        return (default, default), ", the service's default"
    return auto_epochs(examples), ", which the service chooses"


_EPOCH_DIGITS: Final = 6


def _whole(value: Any) -> int | None:
    """A number of epochs, which some services take as text; None for *auto*. Raises SettingsError: too many."""
    text = str(value).strip()
    if text.isdecimal() and len(text) > _EPOCH_DIGITS:
        raise SettingsError(f"{text[:20]}… epochs are too many.", "Enter fewer.", field="hyperparameters")
    return int(text) if text.isdecimal() and int(text) > 0 else None
