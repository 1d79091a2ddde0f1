"""Connections, their tests, and training services as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from api.platform.records import Shown


class ConnectionShown(Shown):
    """A connection. `training` is the service that trains there, empty if it only answers."""

    id: str
    name: str
    kind: str
    base_url: str
    training: str
    has_key: bool
    builtin: bool
    prices: dict[str, Any]
    settings: dict[str, Any]
    created_at: float
    updated_at: float


class NewConnection(BaseModel):
    """A connection. Its key is entered, or named as an environment variable of the studio's server."""

    name: str = Field(max_length=80)
    kind: str = Field(default="openai", max_length=60)
    training: str = Field(default="", max_length=60, description="an id of GET /api/v1/training-services")
    base_url: str = Field(default="", max_length=500, description="empty: the default of the kind or the service")
    key: str | None = Field(default=None, max_length=4_096)
    key_env: str = Field(default="", max_length=200)
    prices: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None


class ChangedConnection(NewConnection):
    """The values of a connection after a change. A key that is left out remains, unless the address changes."""

    training: str | None = Field(default=None, max_length=60)  # type: ignore[assignment]


class TrainableShown(Shown):
    """A base model that a service trains. `price_usd` is for 1,000,000 training tokens; null if it is not known."""

    id: str
    title: str
    methods: list[str]
    context_length: int | None
    price_usd: float | None
    shutdown_date: str


class ConnectionTestShown(Shown):
    """What a test found; `field` must be fixed where it failed."""

    ok: bool
    message: str
    remedy: str
    field: str
    models: list[str]
    trainable: list[TrainableShown]


class HyperparameterShown(Shown):
    """A hyperparameter as a service names and bounds it. `default` is `auto` where the service chooses."""

    name: str
    title: str
    help: str
    kind: str
    default: Any
    low: float | None
    high: float | None
    choices: list[str]
    auto: bool


class TrainingServiceShown(Shown):
    """A service that trains. From `closes_on` on it takes no new jobs."""

    id: str
    title: str
    text: str
    default_url: str
    closes_on: str
    methods: list[str]
    pause: bool
    adapter: bool
    hyperparameters: list[HyperparameterShown]
