"""What training took, version by version, and whether the newer version is better."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotFound
from core.services.serving import evaluating
from core.services.serving.evaluating import BoardRow
from core.services.training import models
from core.services.training.jobs import reader as jobs
from core.services.training.models import ModelRecord
from core.settings import get_settings


@dataclass(frozen=True, slots=True)
class ModelGeneration:
    """One version of a model.

    Attributes:
        seconds: of its training, from the start to the model; None for a run that was resumed, whose time is unknown.
        cost: seconds at the price per hour of Settings, in its currency; None without a price.
        examples: that it was trained on; None where its job was deleted.
        board: its newest evaluation on the dataset of the newest version of its line; None where it has none.
    """

    model: ModelRecord
    seconds: float | None
    cost: float | None
    examples: int | None
    board: BoardRow | None


@dataclass(frozen=True, slots=True)
class ModelLineage:
    """The versions of one model, the oldest first, and the dataset and the metric that compare them ("" for none)."""

    name: str
    versions: tuple[ModelGeneration, ...]
    dataset_name: str
    metric: str


def lines() -> list[ModelLineage]:
    """The lines of all models, archived ones too; the line with the newest version first."""
    by_line: dict[str, list[ModelRecord]] = {}
    for model in models.list_models(include_archived=True):
        by_line.setdefault(model.line_id, []).append(model)
    return [_line(sorted(found, key=lambda model: model.version)) for found in by_line.values()]


def _line(found: list[ModelRecord]) -> ModelLineage:
    newest = found[-1]
    boards = {row.model_id: row for row in evaluating.leaderboard(newest.dataset_id)}
    versions = tuple(_generation(model, boards.get(model.id)) for model in found)
    board = next((one.board for one in versions if one.board), None)
    return ModelLineage(newest.name, versions, newest.dataset_name if board else "", board.score.title if board else "")


def _generation(model: ModelRecord, board: BoardRow | None) -> ModelGeneration:
    try:
        job = jobs.get_job(model.job_id, with_deleted=True)
    except NotFound:
        return ModelGeneration(model, None, None, None, board)
    seconds = None if job.measured.get("resumed") else job.measured.get("total_seconds")
    per_hour = get_settings().price_per_hour
    cost = seconds / 3600 * per_hour if seconds and per_hour else None
    return ModelGeneration(model, seconds, cost, job.examples, board)
