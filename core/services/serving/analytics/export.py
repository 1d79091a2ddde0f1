"""The figures as CSV files for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields

from core.platform.tasks.records import TaskRecord
from core.services.serving.analytics.gaps import GapsResult, questions
from core.services.serving.analytics.usage import UsageFigures, UsageRow
from core.text import spreadsheet_cell


def usage_csv(found: UsageFigures) -> bytes:
    """One line for each model, agent and day; empty where a figure is unknown."""
    parts = (("model", found.models), ("agent", found.agents), ("day", found.days))
    names = [field.name for field in fields(UsageRow)]
    return _table(["by", *names], ([kind, *astuple(row)] for kind, rows in parts for row in rows))


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
