"""The measured points of a run, for its charts: read by row id, so that a poll asks only for what is new."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from core.platform.db.tables import MetricPoint
from core.platform.db.uow import UnitOfWork

_POINTS = MetricPoint.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Point:
    """One measured point. `split` is train or validation; `tokens` are non-pad tokens trained so far.

    `token_accuracy` (0..1) counts tokens that carry loss; `memory_bytes` are resident, on a GPU allocated, and
    `memory_reserved_bytes` what torch holds of the GPU; `mfu` is 0..1; `gpu_utilization` percent. None: not measured.
    """

    id: int
    split: str
    step: int
    epoch: float
    loss: float
    learning_rate: float | None
    grad_norm: float | None
    tokens: int
    tokens_per_s: float | None
    memory_bytes: int | None
    token_accuracy: float | None
    memory_reserved_bytes: int | None
    mfu: float | None
    gpu_utilization: float | None
    gpu_temperature_c: float | None
    gpu_power_w: float | None
    created_at: float


_COLUMNS = [_POINTS.c[name] for name in Point.__slots__]


def since(job_id: str, after_id: int = 0, limit: int = 20_000) -> list[Point]:
    """Points written after the row `after_id`, oldest first.

    A resumed run writes the steps after its checkpoint anew, with new ids: keep the newest point per (split, step).
    """
    query = select(*_COLUMNS).where(_POINTS.c.job_id == job_id, _POINTS.c.id > after_id)
    with UnitOfWork(write=False) as uow:
        rows = uow.session.connection().execute(query.order_by(_POINTS.c.id).limit(limit))
        return [Point(*row) for row in rows]


def all_points(job_id: str) -> list[Point]:
    """Every point of a run, by step, training before validation."""
    points: list[Point] = []
    while found := since(job_id, points[-1].id if points else 0):
        points += found
    return sorted(points, key=lambda point: (point.step, point.split, point.id))


def latest(job_ids: list[str]) -> dict[tuple[str, str], Point]:
    """The last point of each (job, split)."""
    if not job_ids:
        return {}
    newest = select(func.max(_POINTS.c.id)).where(_POINTS.c.job_id.in_(job_ids))
    newest = newest.group_by(_POINTS.c.job_id, _POINTS.c.split)
    query = select(_POINTS.c.job_id, *_COLUMNS).where(_POINTS.c.id.in_(newest))
    with UnitOfWork(write=False) as uow:
        rows = uow.session.connection().execute(query).all()
    return {(row[0], row[2]): Point(*row[1:]) for row in rows}
