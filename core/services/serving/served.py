"""The models that answer, and the names by which a program asks for one: id, name, or name as a slug."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.errors import Conflict, NotFound
from core.models import base_models
from core.services.serving import connected
from core.services.training import merging, models
from core.services.training.models import ModelRecord
from core.text import slug

_LISTED: Final = 10  # models in an error


@dataclass(frozen=True, slots=True)
class ServedName:
    """A base model on this machine, or an active fine-tuned one. `id` never changes; `slug` is made from its name.

    `here`: this studio serves it; else its service answers.
    """

    id: str
    title: str
    slug: str
    base_id: str
    created_at: float
    here: bool = True


def served_models() -> list[ServedName]:
    """Every base on this machine, and every active model that answers, merged ones too."""
    bases = (base for base in base_models.list_models() if base.ready)
    listing = [ServedName(base.id, base.title, base.id, base.id, 0.0) for base in bases]
    tuned = [model for model in models.list_models() if not model.only_there or (model.hosted and model.hosted.model)]
    listing += [
        ServedName(
            model.id, model.name, slug(model.name), model.base_model, model.created_at, here=not model.only_there
        )
        for model in tuned
    ]
    return listing + [
        ServedName(
            merging.served_id(model.id),
            f"{model.name} (merged)",
            f"{slug(model.name)}:merged",
            model.base_model,
            model.merged.created_at,
        )
        for model in tuned
        if model.merged
    ]


def tuned_model(name: str) -> ModelRecord | None:
    """The fine-tuned model with this id, name or slug; of several with one slug the newest; or None."""
    try:
        return models.get_model(name)
    except NotFound:
        every = models.list_models(include_archived=True)
    found = [model for model in every if slug(model.name) == name]
    return next((model for model in found if model.state == "active"), found[0] if found else None)


def only_there(name: str) -> ModelRecord | None:
    """The active model with this id, name or slug if only its service can answer for it, else None."""
    found = (model for model in models.read_hosted() if model.only_there)
    return next((model for model in found if name in (model.id, model.name, slug(model.name))), None)


def find(typed: str) -> str:
    """The id of the model that a person means: by its id, name or slug, by the name or id of its job or dataset where
    that has one model, or by the only beginning of a name.

    Raises:
        NotFound: it does not exist; lists the models. Conflict: several models fit; lists them.
    """
    if base_models.is_base(typed):
        return typed
    if connected.is_connected(typed):
        connected.target(typed)
        return typed
    word = typed.strip().casefold()
    known = served_models()
    exact = [model.id for model in known if word in _lower(model.id, model.title, model.slug)]
    if exact:
        return exact[0]
    about = [
        model.id
        for model in models.list_models()
        if word in _lower(model.job_id, model.job_name, model.dataset_id, model.dataset_name)
    ]
    begun = [model.id for model in known if any(name.startswith(word) for name in _lower(model.id, model.title))]
    meant = about or (begun if word else [])
    if len(meant) == 1:
        return meant[0]
    titles = {model.id: model.title for model in known}
    if meant:
        raise Conflict(f"{len(meant)} models fit {typed!r}.", f"Use one of: {_listed(titles, meant)}.")
    archived = any(word in _lower(model.id, model.name) for model in models.list_models(include_archived=True))
    if archived:
        return typed  # asked, it says that it is archived
    raise NotFound(f"The model {typed!r} does not exist.", f"Models: {_listed(titles, list(titles)) or 'none yet'}.")


def _lower(*names: str) -> list[str]:
    return [name.casefold() for name in names]


def _listed(titles: dict[str, str], ids: list[str]) -> str:
    more = f" and {len(ids) - _LISTED:,} more (`sft models`)" if len(ids) > _LISTED else ""
    return ", ".join(f"“{titles[model_id]}”" for model_id in ids[:_LISTED]) + more
