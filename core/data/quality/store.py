"""The files of a report beside a version: `issues.parquet`, one row for each example that an issue affects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.arguments import whole
from core.data.examples.identity import messages_of
from core.data.examples.parquet import ParquetRows, connect
from core.data.issues.check import Hit, Span
from core.data.issues.issue import AffectedRow
from core.messages import Message, Split

REPORT_FILE, ISSUES_FILE = "quality.json", "issues.parquet"
_SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("position", pa.int64()),
        ("group", pa.int64()),
        ("subject", pa.bool_()),
        ("detail", pa.string()),
        ("spans", pa.string()),  # [[message, start, end], ...] as JSON
    ]
)
_BATCH = 5_000
_MOST_SPANS = 200  # of one example


@dataclass(frozen=True, slots=True)
class IssueRow:
    """An example that an issue affects, as the screens show it.

    Attributes:
        group: the same for examples that belong together (the position of one of them), -1 for a single one.
        detail: what was found in this example, as a sentence.
        spans: (index of the message, start, end) in code points.
        subject: false for an example listed for comparison only, such as the first of several copies.
    """

    position: int
    group: int
    detail: str
    messages: tuple[Message, ...]
    split: Split
    spans: tuple[Span, ...]
    subject: bool = True


@dataclass(frozen=True, slots=True)
class IssuePage:
    """Some rows of an issue, and their total number."""

    rows: list[IssueRow]
    total: int


class IssueWriter:
    """Writes hits in batches."""

    def __init__(self, path: Path) -> None:
        self._rows = ParquetRows(path, _SCHEMA, _BATCH)

    def add(self, hit: Hit) -> None:
        if hit.position < 0:
            return  # about the set as a whole
        place = {name: getattr(hit, name) for name in ("code", "position", "group", "subject")}
        spans = json.dumps(hit.spans[:_MOST_SPANS]) if hit.spans else ""
        self._rows.add({**place, "detail": whole(hit.detail), "spans": spans})

    def close(self) -> None:
        self._rows.close()


def page(issues: Path, examples: Path, code: str, offset: int, limit: int) -> IssuePage:
    """The rows of an issue with their messages: groups together, in the order of the examples."""
    with connect("1GB") as connection:
        count = "SELECT count(*) FROM read_parquet(?) WHERE code = ?"
        total = connection.execute(count, [str(issues), code]).fetchall()[0][0]
        query = """
            WITH chosen AS (
                SELECT position, "group", detail, spans, subject,
                       CASE WHEN "group" >= 0 THEN "group" ELSE position END AS place
                FROM read_parquet(?) WHERE code = ? ORDER BY place, position LIMIT ? OFFSET ?
            )
            SELECT chosen.position, "group", detail, messages, split, spans, subject
            FROM chosen JOIN read_parquet(?) AS examples ON examples.position = chosen.position
            ORDER BY place, chosen.position
        """
        values = [str(issues), code, max(limit, 0), max(offset, 0), str(examples)]
        records = connection.execute(query, values).fetchall()
    rows = [
        IssueRow(position, group, detail, messages_of(messages), split, _spans(spans), subject)
        for position, group, detail, messages, split, spans, subject in records
    ]
    return IssuePage(rows, int(total))


def places(issues: Path, code: str) -> list[AffectedRow]:
    """Every row of an issue, in the order of the examples."""
    table = pq.read_table(issues, columns=["position", "group", "subject"], filters=[("code", "=", code)])
    return sorted(map(AffectedRow, *(table.column(name).to_pylist() for name in table.column_names)))


def messages_at(examples: Path, positions: Sequence[int]) -> Iterator[tuple[int, tuple[Message, ...]]]:
    """The messages of some examples, by position."""
    query = "SELECT position, messages FROM read_parquet(?) WHERE position IN (SELECT unnest(?)) ORDER BY position"
    with connect("1GB") as connection:
        for begin in range(0, len(positions), _BATCH):
            chosen = list(positions[begin : begin + _BATCH])
            for position, messages in connection.execute(query, [str(examples), chosen]).fetchall():
                yield position, messages_of(messages)


def _spans(stored: str) -> tuple[Span, ...]:
    return tuple((index, begin, end) for index, begin, end in json.loads(stored)) if stored else ()
