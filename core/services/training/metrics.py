"""The stored points of a run, for its charts: read by row id, so that a poll reads only what is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import and_, func, or_, select

from core.platform.db.tables import POINTS
from core.platform.db.uow import UnitOfWork, read
from core.training.metrics import METRICS, Point, RunMetric, final_loss_text

__all__ = ["METRICS", "Point", "RunMetric", "all_points", "at_steps", "final_loss_text", "latest", "since", "write"]

PAGE: Final = 20_000  # points per query
_COLUMNS = [POINTS.c[name] for name in ("split", "step", "measured", "id", "created_at")]  # as `Point` takes them


def write(uow: UnitOfWork, job_id: str, points: Iterable[Point]) -> None:
    """Store new points, in their order, inside the caller's transaction."""
    rows = [
        {
            "job_id": job_id,
            "split": point.split,
            "step": point.step,
            "measured": dict(point.values),
            "created_at": point.created_at,
        }
        for point in points
    ]
    if rows:
        uow.insert_new(POINTS, rows)


def since(job_id: str, after_id: int = 0, limit: int = PAGE) -> list[Point]:
    """Points written after the row `after_id`, oldest first.

    A resumed run writes the steps after its checkpoint again, with new ids: keep the newest point per (split, step).
    """
    query = select(*_COLUMNS).where(POINTS.c.job_id == job_id, POINTS.c.id > after_id)
    return [Point(*row) for row in read(query.order_by(POINTS.c.id).limit(limit))]


def all_points(job_id: str, page: int = PAGE) -> list[Point]:
    """Every point of a run, by step, training before validation; read `page` rows at a time."""
    points: list[Point] = []
    while rows := since(job_id, points[-1].id if points else 0, page):
        points += rows
    return sorted(points, key=lambda point: (point.step, point.split, point.id))


def at_steps(steps: Mapping[str, int]) -> dict[tuple[str, str], Point]:
    """The newest point of each (job, split) at a step of each job."""
    if not steps:
        return {}
    wanted = or_(*(and_(POINTS.c.job_id == job_id, POINTS.c.step == step) for job_id, step in steps.items()))
    query = select(POINTS.c.job_id, *_COLUMNS).where(wanted).order_by(POINTS.c.id)
    return {(row.job_id, row.split): Point(*row[1:]) for row in read(query)}


def latest(job_ids: list[str]) -> dict[tuple[str, str], Point]:
    """The last point of each (job, split)."""
    if not job_ids:
        return {}
    newest = select(func.max(POINTS.c.id)).where(POINTS.c.job_id.in_(job_ids))
    newest = newest.group_by(POINTS.c.job_id, POINTS.c.split)
    query = select(POINTS.c.job_id, *_COLUMNS).where(POINTS.c.id.in_(newest))
    return {(row.job_id, row.split): Point(*row[1:]) for row in read(query)}
