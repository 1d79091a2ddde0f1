"""The differences between services that speak OpenAI's fine-tuning API, as one record for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from core.training.providers.hosted import AUTO, FileRules, HostedCapabilities, Hyperparameter, RemoteState

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

# What settings of the same meaning are called here, whatever a service calls them: title and help.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "epochs": ("Epochs", "Passes over the training examples."),
    "batch": ("Batch size", "Examples per optimizer step."),
    "multiplier": (
        "Learning rate multiplier",
        "Scales the learning rate that the service chooses: 2 doubles it. It is not a learning rate.",
    ),
    "rate": ("Learning rate", "The learning rate itself, not a multiplier."),
    "warmup": ("Warm-up", "Share of the steps in which the learning rate rises."),
    "decay": ("Weight decay", "Pulls weights towards zero."),
    "clipping": ("Gradient clipping", "The longest gradient of a step."),
    "context": (
        "Context length",
        "Tokens of an example; what a service does with longer ones is in its documentation.",
    ),
    "rank": ("LoRA rank", "Rank of the adapter's matrices."),
    "alpha": ("LoRA alpha", "Scales the adapter by alpha / rank."),
    "dropout": ("LoRA dropout", "Share of the adapter's inputs that is dropped."),
}


def whole(words: str, place: str, low: int, high: int | None, default: int | str = AUTO) -> Hyperparameter:
    """A setting with whole numbers, named by the last part of its place; without a default, the service chooses it."""
    title, text = WORDS[words]
    return Hyperparameter(_name(place), title, text, "int", place, default, low, high, auto=default == AUTO)


def decimal(words: str, place: str, low: float, high: float | None, default: float | str = AUTO) -> Hyperparameter:
    """The same with decimal numbers."""
    title, text = WORDS[words]
    return Hyperparameter(_name(place), title, text, "float", place, default, low, high, auto=default == AUTO)


def choice(words: str, place: str, *choices: str) -> Hyperparameter:
    """A setting with a few values."""
    title, text = WORDS[words]
    return Hyperparameter(_name(place), title, text, "choice", place, choices=choices)


def _name(place: str) -> str:
    return place.rpartition(".")[2]


EPOCHS: Final = whole("epochs", f"{IN_METHOD}.n_epochs", 1, 50)
BATCH_SIZE: Final = whole("batch", f"{IN_METHOD}.batch_size", 1, 256)
LEARNING_RATE_MULTIPLIER: Final = decimal("multiplier", f"{IN_METHOD}.learning_rate_multiplier", 0.0001, 1_000)
OPENAI_SETTINGS: Final = (EPOCHS, BATCH_SIZE, LEARNING_RATE_MULTIPLIER)


@dataclass(frozen=True, slots=True)
class ServiceDialect:
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
