"""`/api/v1/connections`: language models and training services elsewhere. A key is taken, and never shown."""

from __future__ import annotations

from typing import Any, Final

from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.platform.records import Shown, records
from api.platform.scopes import needs
from core.services.platform import connections
from core.services.platform.api_keys import ADMIN, READ, TRAIN

router: Final = records("/api/v1/connections", "Connections")
services_router: Final = records("/api/v1/training-services", "Training services", dependencies=[needs(READ, TRAIN)])
_READING: Final = [needs(READ, TRAIN)]
_WRITING: Final = [needs(ADMIN)]


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


class TestShown(Shown):
    """What a test found; `field` must be fixed where it failed."""

    ok: bool
    message: str
    remedy: str
    field: str
    models: list[str]
    trainable: list[TrainableShown]


class SettingShown(Shown):
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


class ServiceShown(Shown):
    """A service that trains. From `closes_on` on it takes no new jobs."""

    id: str
    title: str
    text: str
    default_url: str
    closes_on: str
    methods: list[str]
    pause: bool
    adapter: bool
    hyperparameters: list[SettingShown]


@router.get("", dependencies=_READING)
def list_connections() -> list[ConnectionShown]:
    """Every connection; the studio's own models first."""
    return [ConnectionShown.of(record) for record in connections.list_connections()]


@router.post("", dependencies=_WRITING, status_code=201)
def create_connection(asked: NewConnection) -> ConnectionShown:
    """Create a connection."""
    return ConnectionShown.of(connections.save(**asked.model_dump()))


@router.get("/{connection_id}", dependencies=_READING)
def get_connection(connection_id: str) -> ConnectionShown:
    """One connection."""
    return ConnectionShown.of(connections.get(connection_id))


@router.put("/{connection_id}", dependencies=_WRITING)
def change_connection(connection_id: str, asked: ChangedConnection) -> ConnectionShown:
    """Change a connection; a new address needs the key again."""
    return ConnectionShown.of(connections.save(id=connection_id, **asked.model_dump()))


@router.delete("/{connection_id}", dependencies=_WRITING, status_code=204)
def delete_connection(connection_id: str) -> Response:
    """Delete a connection with its key."""
    connections.get(connection_id)
    connections.delete(connection_id)
    return Response(status_code=204)


@router.post("/{connection_id}/test", dependencies=_WRITING)
def test_connection(connection_id: str) -> TestShown:
    """Ask it for its models, and for the base models that it trains."""
    return TestShown.of(connections.test(connection_id))


@router.get("/{connection_id}/base-models", dependencies=[needs(TRAIN)])
def list_trainable(connection_id: str) -> list[TrainableShown]:
    """The base models that can be trained there now; an empty list if it does not train."""
    return [TrainableShown.of(base) for base in connections.base_models(connection_id)]


@services_router.get("")
def list_services() -> list[ServiceShown]:
    """The services that a connection can train at."""
    return [
        ServiceShown(
            id=service.id,
            title=service.title,
            text=service.text,
            default_url=service.default_url,
            closes_on=service.closes_on,
            methods=list(service.capabilities.methods),
            pause=service.capabilities.pause,
            adapter=service.capabilities.adapter,
            hyperparameters=[SettingShown.of(setting) for setting in service.hyperparameters],
        )
        for service in connections.services()
    ]
