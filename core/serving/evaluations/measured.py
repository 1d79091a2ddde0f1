"""The evaluations that measured a model: the newest one of each split."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from core.platform.db.tables import EVALUATED_MODELS, EVALUATIONS
from core.platform.db.uow import read
from core.serving.evaluations.records import Summary


@dataclass(frozen=True, slots=True)
class ModelMeasurement:
    """What an evaluation found out about a model; `split` is "" where every example was asked."""

    model_id: str
    evaluation_id: str
    dataset_id: str
    split: str
    created_at: float
    summary: Summary


def own_id(model_id: str) -> str:
    """The id under which the figures of a model are found: of a merged one that of its adapter."""
    return model_id.removesuffix(":merged")


def of_models(model_ids: Collection[str]) -> Iterator[ModelMeasurement]:
    """The newest ended evaluation of each model on each split of each dataset, newest first; without archived ones."""
    if not model_ids:
        return
    joined = EVALUATED_MODELS.join(EVALUATIONS, EVALUATIONS.c.id == EVALUATED_MODELS.c.evaluation_id)
    place = (EVALUATED_MODELS.c.model_id, EVALUATIONS.c.dataset_id, EVALUATIONS.c.split)
    newest = func.row_number().over(
        partition_by=place, order_by=(EVALUATIONS.c.created_at.desc(), EVALUATIONS.c.id.desc())
    )
    ranked = (
        select(*place, EVALUATIONS.c.id, EVALUATIONS.c.created_at, newest.label("place"))
        .select_from(joined)
        .where(EVALUATED_MODELS.c.model_id.in_(model_ids), EVALUATIONS.c.archived_at.is_(None))
        .subquery()
    )
    query = (
        select(ranked, EVALUATIONS.c.summary)
        .join(EVALUATIONS, EVALUATIONS.c.id == ranked.c.id)
        .where(ranked.c.place == 1)
        .order_by(ranked.c.created_at.desc(), ranked.c.id.desc())
    )
    for row in read(query):
        yield ModelMeasurement(
            row.model_id, row.id, row.dataset_id, row.split, row.created_at, Summary.from_dict(row.summary)
        )
