"""`/api/v1/connections`: language models and training services elsewhere. A key is taken, and never shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fastapi.responses import Response

from api.platform.connection_shapes import (
    ChangedConnection,
    ConnectionShown,
    ConnectionTestShown,
    HyperparameterShown,
    NewConnection,
    TrainableShown,
    TrainingServiceShown,
)
from api.platform.records import records
from api.platform.scopes import needs
from core.services.platform import connections
from core.services.platform.api_keys import ADMIN, READ, TRAIN
from core.services.serving import shutdowns

router: Final = records("/api/v1/connections", "Connections")
services_router: Final = records("/api/v1/training-services", "Training services", dependencies=[needs(READ, TRAIN)])
_READING: Final = [needs(READ, TRAIN)]
_WRITING: Final = [needs(ADMIN)]


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
def test_connection(connection_id: str) -> ConnectionTestShown:
    """Ask it for its models, and for the base models that it trains."""
    tested = connections.test(connection_id)
    dated = shutdowns.dated(connections.get(connection_id).base_url, tested.trainable)
    return ConnectionTestShown.of(replace(tested, trainable=tuple(dated)))


@router.get("/{connection_id}/base-models", dependencies=[needs(TRAIN)])
def list_trainable(connection_id: str) -> list[TrainableShown]:
    """The base models that can be trained there now; an empty list if it does not train. Days on which they go dark
    are those of its list, and those of the calendar of shutdowns."""
    listed = connections.base_models(connection_id)
    dated = shutdowns.dated(connections.get(connection_id).base_url, listed)
    return [TrainableShown.of(base) for base in dated]


@services_router.get("")
def list_services() -> list[TrainingServiceShown]:
    """The services that a connection can train at."""
    return [
        TrainingServiceShown(
            id=service.id,
            title=service.title,
            text=service.text,
            default_url=service.default_url,
            closes_on=service.closes_on,
            methods=list(service.capabilities.methods),
            pause=service.capabilities.pause,
            adapter=service.capabilities.adapter,
            hyperparameters=[HyperparameterShown.of(setting) for setting in service.hyperparameters],
        )
        for service in connections.services()
    ]
