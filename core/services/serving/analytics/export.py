"""The figures as CSV files for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime

from core.platform.tasks.records import TaskRecord
from core.services.serving.analytics.gaps import GapsResult, questions
from core.services.serving.analytics.generations import ModelGeneration, ModelLineage
from core.services.serving.analytics.usage import UsageFigures, UsageRow
from core.settings import get_settings
from core.text import spreadsheet_cell


def usage_csv(found: UsageFigures) -> bytes:
    """One line for each model, agent and day; empty where a figure is unknown."""
    parts = (("model", found.models), ("agent", found.agents), ("day", found.days))
    names = [field.name for field in fields(UsageRow)]
    return _table(["by", *names], ([kind, *astuple(row)] for kind, rows in parts for row in rows))


def generations_csv(lines: Sequence[ModelLineage]) -> bytes:
    """One line for each version of each model: what its training took, and its score; empty where it is unknown."""
    names = ["line", "model", "version", "trained", "examples", "training_seconds", "cost", "currency", "dataset",
             "metric", "score", "evaluation"]  # fmt: skip
    currency = get_settings().currency
    rows = (
        [line.name, one.model.id, one.model.version, _day(one.model.created_at), one.examples, one.seconds, one.cost,
         "" if one.cost is None else currency, *_scored(line, one)]
        for line in lines
        for one in line.versions
    )  # fmt: skip
    return _table(names, rows)


def _scored(line: ModelLineage, one: ModelGeneration) -> list[object]:
    if one.board is None:
        return ["", "", "", ""]
    return [line.dataset_name, one.board.score.title, one.board.score.value, one.board.evaluation_id]


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def gaps_csv(task: TaskRecord) -> bytes:
    """One line for each input that no example resembles and that still exists."""
    result = GapsResult.of(task)
    known = questions([turn_id for gap in result.groups for turn_id in gap.turn_ids])
    rows = (
        [gap.name, known[turn_id][0], result.similarity.get(turn_id, 0.0), known[turn_id][1]]
        for gap in result.groups
        for turn_id in gap.turn_ids
        if turn_id in known
    )
    return _table(["group", "input", "similarity", "conversation"], rows)


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(names)
    table.writerows([spreadsheet_cell("" if value is None else value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8", "backslashreplace")
