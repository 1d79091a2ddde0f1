"""The list of models, a line at a time: what can be searched, filtered and sorted."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, literal

from core.models import base_models, methods
from core.platform.db import cursors
from core.platform.db.listing import Facet, Family, Listing, Slice, Sort, View, in_order, look_up as look_up_in
from core.platform.db.tables import DATASETS, JOBS, MODEL_TAGS, MODELS
from core.services.training.models.reader import TAGS_TEXT, read_models
from core.services.training.models.records import ModelLine, ModelRecord
from core.services.training.models.scores import scores_of

LISTING: Final = Listing(
    key=MODELS.c.id,
    rows=MODELS.join(JOBS, JOBS.c.id == MODELS.c.job_id).join(DATASETS, DATASETS.c.id == MODELS.c.dataset_id),
    search=(MODELS.c.name, MODELS.c.notes, TAGS_TEXT, DATASETS.c.name, JOBS.c.name, MODELS.c.base_model),
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
        Facet("tag", "Tag", MODEL_TAGS.c.tag, among=MODEL_TAGS.c.model_id == MODELS.c.id),
    ),
    archived=MODELS.c.state == "archived",
    sums={"versions": literal(1)},
    family=Family(MODELS.c.line_id, MODELS.c.created_at),
)


def newest(after: str = "", *, archived: bool = False, limit: int = 50) -> list[ModelRecord]:
    """A page of the models, the newest first. Raises DataError if no model has the id `after`."""
    ids = cursors.newest(LISTING, MODELS, after, archived=archived, limit=limit)
    found = read_models(MODELS.c.id.in_(ids)) if ids else []
    return in_order(tuple(ids), {model.id: model for model in found})


def look_up(view: View) -> tuple[Slice, list[ModelLine]]:
    """One page of the lines of models."""
    found = look_up_in(LISTING, view)
    every = read_models(MODELS.c.line_id.in_(found.ids)) if found.ids else []
    measured = scores_of(every)
    models: dict[str, list[ModelRecord]] = {}
    for model in every:
        models.setdefault(model.line_id, []).append(model)
    lines = {}
    for line_id, versions in models.items():
        newest = next(iter(found.rows.get(line_id, ())), "")
        front = next((model for model in versions if model.id == newest), versions[0])
        lines[line_id] = ModelLine(
            line_id, front, tuple(versions), {model.id: measured[model.id] for model in versions}
        )
    return found, in_order(found.ids, lines)
