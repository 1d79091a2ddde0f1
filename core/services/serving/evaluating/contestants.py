"""The models that an evaluation can ask: those of the studio, and those behind connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.errors import DataError, NotFound
from core.models import base_models
from core.services.serving import connected, served
from core.services.training import merging, models
from core.serving.evaluations.records import Contestant

MOST_MODELS: Final = 8


def find(typed: str) -> Contestant:
    """The model that a person means: as `served.find`, or the name or id of a connection, `/` and a model there.

    Raises:
        NotFound: it does not exist, or is not on this machine.
    """
    if connected.is_connected(typed):
        return _behind_connection(typed)
    named, _, model = typed.partition("/")
    word = named.strip().casefold()
    for one in connected.choices() if model.strip() else ():
        if word in (one.id.casefold(), one.name.casefold()):
            return _behind_connection(connected.model_id(one.id, model))
    return _in_studio(served.find(typed))


def find_all(typed: Sequence[str]) -> tuple[Contestant, ...]:
    """The models of an evaluation, each once. Raises DataError: none, or too many."""
    found = {one.id: one for one in map(find, typed)}
    if not 1 <= len(found) <= MOST_MODELS:
        text = f"An evaluation asks 1 to {MOST_MODELS} models; got {len(found)}."
        raise DataError(text, "Choose fewer." if found else "Choose one.", field="models")
    return tuple(found.values())


def registered_id(model_id: str) -> str:
    """The id of a tuned model in the registry, also where its merged form is meant; "" for any other model."""
    return merging.split(model_id)[0] if model_id.startswith("fm_") else ""


def _behind_connection(model_id: str) -> Contestant:
    return Contestant(model_id, connected.title(model_id), "connection")


def _in_studio(model_id: str) -> Contestant:
    if base_models.is_base(model_id):
        base = base_models.resolve(model_id)
        if not base.ready:
            raise NotFound(f"The base model {base.title} is not on this machine yet.", base.command or base.reason)
        return Contestant(base.id, base.title, "base")
    own, merged = merging.split(model_id)
    model = models.get_model(own)
    if model.state != "active":
        raise NotFound(f"The model “{model.name}” is archived.", "Restore it under Models.")
    if model.only_there:
        connected.id_of(model)  # raises where it does not answer there
        return Contestant(model.id, model.name, "connection")
    return Contestant(model_id, f"{model.name} (merged)" if merged else model.name, "tuned")
