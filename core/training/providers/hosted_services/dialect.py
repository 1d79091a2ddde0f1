"""The differences between services that speak OpenAI's fine-tuning API, as one record for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from core.training.providers.hosted import FileRules, HostedCapabilities, Hyperparameter, RemoteState

STATUSES: Final[Mapping[str, RemoteState]] = {
    "validating_files": "queued",
    "queued": "queued",
    "pending": "queued",
    "running": "running",
    "pausing": "running",
    "paused": "paused",
    "resuming": "running",
    "cancelling": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}
IN_METHOD: Final = "method.supervised.hyperparameters"
FINE_TUNE: Final = "fine-tune"
MEGABYTE, GIGABYTE = 1 << 20, 1 << 30

EPOCHS: Final = Hyperparameter(
    "n_epochs", "Epochs", "Passes over the training examples.", "int", f"{IN_METHOD}.n_epochs", low=1, high=50
)
BATCH_SIZE: Final = Hyperparameter(
    "batch_size", "Batch size", "Examples per optimizer step.", "int", f"{IN_METHOD}.batch_size", low=1, high=256
)
LEARNING_RATE_MULTIPLIER: Final = Hyperparameter(
    "learning_rate_multiplier",
    "Learning rate multiplier",
    "Scales the learning rate that the service chooses: 2 doubles it. It is not a learning rate.",
    "float",
    f"{IN_METHOD}.learning_rate_multiplier",
    low=0.0001,
    high=1_000,
)
OPENAI_SETTINGS: Final = (EPOCHS, BATCH_SIZE, LEARNING_RATE_MULTIPLIER)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One service.

    Args:
        key_header: where the key goes; `authorization` sends it as a bearer token.
        metadata: a job carries metadata, by which it is found again; elsewhere the suffix carries a part of the intent.
        metadata_filter: the list of jobs can be asked for certain metadata.
        suffix_chars: the longest suffix.
        page: entries per page of a list.
        part_bytes: of an upload in parts; 0 where the service has none. Files above it go in parts.
        trainable: beginnings of the ids of models that can be trained, where the list of models does not say so.
    """

    id: str
    title: str
    text: str
    default_url: str
    capabilities: HostedCapabilities
    file_rules: FileRules
    hyperparameters: tuple[Hyperparameter, ...] = OPENAI_SETTINGS
    key_hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    closes_on: str = ""
    key_header: str = "authorization"
    statuses: Mapping[str, RemoteState] = field(default_factory=lambda: STATUSES)
    metadata: bool = False
    metadata_filter: bool = False
    suffix_chars: int = 64
    page: int = 100
    part_bytes: int = 0
    trainable: tuple[str, ...] = ()
