"""Models behind a connection of Settings: those that it lists, and tuned ones that only answer at their service.

The ids of the first name the connection and the model there: `via:llm_01jb2k7q9x3m4p:gpt-4.1-mini`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core.errors import Conflict, NotFound, StudioError
from core.models.base_models.records import BaseModelRef
from core.models.llm import Endpoint
from core.models.llm.prices import Price
from core.models.methods import Method
from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from core.services.training import merging, models
from core.services.training.models import ModelRecord
from core.services.training.models.records import VIA
from core.serving.availability import Availability
from core.serving.targets import AnswerChunk, ChatOptions, openai_server

PREFIX: Final = VIA
LONGEST: Final = 300  # characters of an id

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectedModels:
    """The models of one connection as a target that answers."""

    connection: ConnectionRecord

    id = "connection"

    @property
    def title(self) -> str:
        return self.connection.name

    def can_serve(self, base: BaseModelRef, method: Method | None) -> Availability:
        return Availability(False, "It has its own models.")

    def health(self) -> Availability:
        found = connections.test(self.connection.id)
        return Availability(found.ok, found.message)

    def warm_up(self) -> None:
        return None

    def chat(self, model_id: str, messages: Sequence[Mapping[str, Any]], options: ChatOptions) -> Iterator[AnswerChunk]:
        return openai_server.stream(self.title, endpoint(self.connection), place(model_id)[1], messages, options)


def is_connected(model_id: str) -> bool:
    """Whether an id is that of a model behind a connection."""
    return model_id.startswith(PREFIX)


def model_id(connection_id: str, name: str) -> str:
    """The id of a model behind a connection."""
    return f"{PREFIX}{connection_id}:{name.strip()}"


def at_service(model_id: str) -> str:
    """The id behind a connection of what answers for a model; "" for one that this studio serves.

    Raises:
        Conflict: a tuned model that answers neither here nor at its service. NotFound: no such tuned model.
    """
    if is_connected(model_id):
        return model_id
    if not model_id.startswith("fm_"):  # a base
        return ""
    model = models.get_model(merging.split(model_id)[0])
    return id_of(model) if model.only_there else ""


def id_of(model: ModelRecord) -> str:
    """The id of a tuned model that only answers at its hosted service. Raises Conflict: it does not answer there."""
    if model.hosted is None or not model.hosted.model:
        raise Conflict(f"The model “{model.name}” does not answer at its service.", "Deploy it there.")
    return model.hosted.id_of(model.hosted.model)


def base_of(model: ModelRecord) -> str:
    """The id of the base of a model that only answers at its service, if that lists it among the models that answer.

    Asks the service. "" for any other model, and where the service does not respond.
    """
    if not model.only_there:
        return ""
    connection, _ = place(model.id)
    try:
        listed = connections.models(connection.id)
    except StudioError as error:
        log.warning("The models of %s could not be listed, so the base is not asked: %s", connection.name, error)
        return ""
    return model.base_there if model.base_model in listed else ""


def place(model_id: str) -> tuple[ConnectionRecord, str]:
    """The connection of a model, and its name there.

    Raises:
        NotFound: its connection was deleted, or the id names no model. Conflict: as `at_service`.
    """
    there = at_service(model_id)
    own, _, name = there.removeprefix(PREFIX).partition(":")
    if not own or not name or len(there) > LONGEST or own == connections.STUDIO:
        raise NotFound(f"{model_id[:80]!r} names no model behind a connection.", "Choose a connection and a model.")
    return connections.get(own), name


def target(model_id: str) -> ConnectedModels:
    """What answers for a model. Raises as `place`."""
    return ConnectedModels(place(model_id)[0])


def title(model_id: str) -> str:
    """The name of a model with that of its connection. Raises as `place`."""
    connection, name = place(model_id)
    return f"{name} ({connection.name})"


def price(model_id: str) -> Price | None:
    """What a model's tokens cost; None where no price was entered. Raises as `place`."""
    connection, name = place(model_id)
    return connection.price(name)


def endpoint(connection: ConnectionRecord) -> Endpoint:
    """The address of a connection's OpenAI endpoints, with its key. Raises ProviderKeyMissing, SettingsError."""
    found = connections.endpoint_of(connection.id)
    return replace(found, base_url=found.base_url.rstrip("/") + connection.client_kind.openai_path)


def choices() -> Iterator[ConnectionRecord]:
    """The connections whose models can answer."""
    return (one for one in connections.list_connections() if not one.builtin)
