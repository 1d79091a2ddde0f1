"""The list of models: what can be searched, filtered and sorted."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func

from core.models import base_models, methods
from core.platform.db.listing import Facet, Listing, Slice, Sort, View, in_order, look_up as look_up_in
from core.platform.db.tables import DATASETS, JOBS, MODELS
from core.services.training.models.reader import read_models
from core.services.training.models.records import ModelRecord

LISTING: Final = Listing(
    key=MODELS.c.id,
    rows=MODELS.join(JOBS, JOBS.c.id == MODELS.c.job_id).join(DATASETS, DATASETS.c.id == MODELS.c.dataset_id),
    search=(MODELS.c.name, MODELS.c.notes, DATASETS.c.name, JOBS.c.name, MODELS.c.base_model),
    sorts=(
        Sort("newest", "Newest first", MODELS.c.created_at, down=True),
        Sort("oldest", "Oldest first", MODELS.c.created_at),
        Sort("name", "Name, A to Z", func.lower(MODELS.c.name)),
        Sort("loss", "Lowest final loss first", MODELS.c.final_loss),
        Sort("largest", "Largest first", MODELS.c.size_bytes, down=True),
    ),
    filters=(
        Facet("base", "Base model", MODELS.c.base_model, base_models.title_of),
        Facet("method", "Method", MODELS.c.method, methods.title_of),
    ),
    archived=MODELS.c.state == "archived",
)


def look_up(view: View) -> tuple[Slice, list[ModelRecord]]:
    """One page of the models."""
    found = look_up_in(LISTING, view)
    models = read_models(MODELS.c.id.in_(found.ids)) if found.ids else []
    return found, in_order(found.ids, {model.id: model for model in models})
