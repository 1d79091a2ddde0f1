"""The models that answer, and the names by which a program asks for one: id, name, or name as a slug."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotFound
from core.models import base_models
from core.services.training import merging, models
from core.services.training.models import ModelRecord
from core.text import slug


@dataclass(frozen=True, slots=True)
class ServedName:
    """A base model on this machine, or an active fine-tuned one. `id` never changes; `slug` is made from its name."""

    id: str
    title: str
    slug: str
    base_id: str
    created_at: float


def served_models() -> list[ServedName]:
    """Every base on this machine, and every active model, merged ones too."""
    bases = (base for base in base_models.list_models() if base.ready)
    listing = [ServedName(base.id, base.title, base.id, base.id, 0.0) for base in bases]
    tuned = models.list_models()
    listing += [
        ServedName(model.id, model.name, slug(model.name), model.base_model, model.created_at) for model in tuned
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
