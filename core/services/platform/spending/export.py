"""Paid work as CSV for spreadsheets: one line for each piece."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Final

from core.services.platform.spending.figures import SpendingFigures
from core.text import spreadsheet_cell

COLUMNS: Final = (
    "started_at", "kind", "title", "provider", "person", "state", "estimate_low_usd", "reserved_usd", "billed_usd",
    "override_reason", "id", "ended_at",
)  # fmt: skip


def spending_csv(found: SpendingFigures) -> bytes:
    """Every piece of paid work of a period, the newest first; times are UTC, and a cell is empty where a value is not
    known."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for work in found.works:
        started, ended = _time(work.created_at), "" if work.closed_at is None else _time(work.closed_at)
        cells = (
            started, work.kind, work.title, work.provider, work.person, work.state, work.low_usd, work.amount_usd,
            work.spent_usd, work.override_reason, work.what_id, ended,
        )  # fmt: skip
        table.writerow([spreadsheet_cell("" if cell is None else cell) for cell in cells])
    return out.getvalue().encode("utf-8", "backslashreplace")


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
