"""The models of a connection that can write examples, and which of them a run starts with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.models import base_models
from core.services.platform import connections
from core.services.serving import chat
from core.text import plural

# Below a billion parameters a model repeats the row or itself instead of writing questions with their answers.
WRITES_FROM: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class WritingModel:
    """A model that a connection lists. `warning` says why it should not write examples; "" if nothing is known against
    it."""

    id: str
    title: str
    warning: str = ""


def writing_models(connection_id: str) -> tuple[WritingModel, ...]:
    """The models of a connection by name; those that are too small to write come last.

    Only the sizes of the studio's own models are known: of other connections every model counts as able to write.

    Raises:
        LlmError: the endpoint does not respond. ProviderKeyMissing: its key is missing.
    """
    names = connections.models(connection_id)
    if connection_id != connections.STUDIO:
        return tuple(WritingModel(name, name) for name in names)
    known = {model.id: model for model in chat.available_models()}
    found = [_of_studio(known[name]) if name in known else WritingModel(name, name) for name in names]
    return tuple(sorted(found, key=lambda model: bool(model.warning)))


def default_model(models: Sequence[WritingModel]) -> str:
    """The first model that can write; "" if there is none, so that a run never starts with one that cannot."""
    return next((model.id for model in models if not model.warning), "")


def default_connection() -> str:
    """The connection that a new run starts with: one that a user added, because the studio's own models are small."""
    added = (record.id for record in connections.list_connections() if not record.builtin)
    return next(added, connections.STUDIO)


def model_title(connection_id: str, model_id: str) -> str:
    """A model by name; the id itself for one of another connection, or one that no longer exists."""
    if connection_id != connections.STUDIO:
        return model_id
    return next((model.title for model in chat.available_models() if model.id == model_id), model_id)


def _of_studio(model: chat.ChatModel) -> WritingModel:
    params = base_models.resolve(model.base_id).params
    if not params or params >= WRITES_FROM:
        return WritingModel(model.id, model.title)
    size = plural(round(params / 1e6), "million parameter", "million parameters")
    text = f"{model.title} is too small to write examples ({size}): its texts repeat the row or make no sense."
    return WritingModel(model.id, model.title, text)
