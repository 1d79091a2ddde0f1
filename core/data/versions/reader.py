"""Page, search and count the examples of a version with DuckDB, straight over the Parquet file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq

from core import arguments
from core.data.examples.parquet import reading
from core.data.versions.files import ADDED_LATER, SEARCHED, relation, stored_example, values_of
from core.messages import Example, Finding

if TYPE_CHECKING:
    import duckdb

_BATCH = 2_000
_BINS = 20
_LABELS = 50
_CONTENT = ("messages", "source", "source_line", "split", "flags", *ADDED_LATER)  # as `stored_example` takes them
LEFT_OUT: Final = "left_out"  # of a finding: it is about a row that is not in the dataset
_KIND = (
    f"CASE WHEN ? AND severity = 'error' AND NOT list_contains(?::VARCHAR[], code) THEN '{LEFT_OUT}' ELSE severity END"
)
_SELECT = f"SELECT position, tokens, turns, {', '.join(_CONTENT)} FROM"


@dataclass(frozen=True, slots=True)
class ExampleRecord:
    """An example as the screens show it. `flags` are the codes of findings about it; `tokens` is an estimate."""

    position: int
    example: Example
    tokens: int
    turns: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the examples, and how many there are in all (after search and filter)."""

    items: list[ExampleRecord]
    total: int


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a histogram: examples with `low` <= tokens < `high`."""

    low: int
    high: int
    count: int


@dataclass(frozen=True, slots=True)
class Label:
    """An answer that occurs again and again, and how often."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures about a version. Token counts are those of the base model `counted_by`, or estimates (characters / 4).

    `labels` is filled where the answers look like labels (at most 200 distinct, used twice on average), else empty.
    """

    examples: int
    train_examples: int
    validation_examples: int
    test_examples: int
    tokens_total: int
    tokens_mean: float
    tokens_median: float
    tokens_max: int
    turns_max: int
    multi_turn: int
    with_system: int
    with_tools: int
    with_rejected: int
    distinct_labels: int
    labels: list[Label]
    histogram: list[Bin]
    counted_by: str = ""

    @property
    def counted(self) -> str:
        """How its tokens were counted: `counted by SmolLM2 135M`, or `estimated`."""
        return f"counted by {self.counted_by}" if self.counted_by else "estimated"


def page(
    path: Path,
    offset: int,
    limit: int,
    search: str = "",
    split: str | None = None,
    *,
    flags: Sequence[str] = (),
    labels: Sequence[str] = (),
    min_tokens: int | None = None,
    max_tokens: int | None = None,
) -> Page:
    """Examples that meet every condition given, in their order.

    Args:
        search: a text that they contain (any case; `%` and `_` mean themselves).
        flags: at least one of these findings is about them.
        labels: their last answer is one of these.
        min_tokens, max_tokens: by the estimate.
    """
    asked: tuple[tuple[str, Any], ...] = (
        (rf"{SEARCHED} ILIKE ? ESCAPE '\'", f"%{_escape(search)}%" if search else None),
        ("split = ?", arguments.whole(split) if split else None),
        ("list_has_any(flags, ?)", arguments.texts(flags, "flags") or None),
        ("list_contains(?, label)", arguments.texts(labels, "labels") or None),
        ("tokens >= ?", min_tokens),
        ("tokens <= ?", max_tokens),
    )
    given = [(condition, value) for condition, value in asked if value is not None]
    where = " AND ".join(["true", *(condition for condition, _ in given)])  # fixed texts; every value is a parameter
    values = [str(path), *(value for _, value in given)]
    with reading() as connection:
        count = f"SELECT count(*) FROM {relation(path)} WHERE {where}"  # noqa: S608
        ((total,),) = connection.execute(count, values).fetchall()
        query = f"{_SELECT} {relation(path)} WHERE {where} ORDER BY position LIMIT ? OFFSET ?"
        rows = connection.execute(query, [*values, arguments.count(limit), arguments.count(offset)]).fetchall()
    return Page([_record(row) for row in rows], int(total))


def at(path: Path, positions: Sequence[int]) -> list[ExampleRecord]:
    """The examples at these positions, in ascending order; one that is not there is left out."""
    places = arguments.positions(positions)
    if not places:
        return []
    with reading() as connection:
        query = f"{_SELECT} {relation(path)} WHERE list_contains(?, position) ORDER BY position"
        rows = connection.execute(query, [str(path), places]).fetchall()
    return [_record(row) for row in rows]


def iterate(path: Path, split: str | None = None) -> Iterator[Example]:
    """Every example in its order, streamed."""
    import pyarrow.compute as pc

    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        for batch in file.iter_batches(_BATCH, columns=[name for name in _CONTENT if name in names]):
            if split is not None:
                batch = batch.filter(pc.equal(batch.column("split"), split))
            yield from map(stored_example, *(values_of(batch, name) for name in _CONTENT))


def findings(
    path: Path,
    limit: int = 100,
    severity: str | None = None,
    offset: int = 0,
    *,
    in_dataset: Collection[str] | None = None,
) -> list[Finding]:
    """The findings of a version, errors first; those about the whole set before those about a line.

    Args:
        severity: only these; LEFT_OUT: the errors of rows that were left out.
        in_dataset: the codes of errors about what is in the dataset; all others are of rows that were left out, and
            are only returned for LEFT_OUT. None: no distinction.
    """
    query = f"""
        SELECT line, field, code, severity, message, remedy, raw, rows
        FROM (SELECT *, {_KIND} AS kind FROM read_parquet(?))
        WHERE CASE WHEN ? IS NULL THEN ? OR kind <> '{LEFT_OUT}' ELSE kind = ? END
        ORDER BY CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END,
                 line IS NOT NULL AND len(rows) = 0, line NULLS FIRST, code LIMIT ? OFFSET ?
    """  # noqa: S608
    severity = None if severity is None else arguments.whole(severity)
    with reading() as connection:
        page = arguments.count(limit), arguments.count(offset)
        given = [*_kind_of(in_dataset), str(path), severity, in_dataset is None, severity, *page]
        rows = connection.execute(query, given).fetchall()
    return [
        Finding(line, field, code, level, message, remedy, raw, tuple(lines or ()))
        for line, field, code, level, message, remedy, raw, lines in rows
    ]


def count_findings(path: Path, in_dataset: Collection[str] | None = None) -> dict[tuple[str, str], int]:
    """How many findings of each severity (or LEFT_OUT, see `findings`) and code, the most frequent codes first."""
    query = f"SELECT {_KIND} AS kind, code, count(*) FROM read_parquet(?) GROUP BY 1, 2 ORDER BY 3 DESC, 2"  # noqa: S608
    with reading() as connection:
        rows = connection.execute(query, [*_kind_of(in_dataset), str(path)]).fetchall()
        return {(kind, code): int(count) for kind, code, count in rows}


def _kind_of(in_dataset: Collection[str] | None) -> list[Any]:
    """The parameters of `_KIND`."""
    return [in_dataset is not None, sorted(in_dataset or ())]


def estimated_tokens(path: Path) -> int:
    """The estimated tokens of all examples together."""
    with reading() as connection:
        query = "SELECT coalesce(sum(tokens), 0) FROM read_parquet(?)"
        ((total,),) = connection.execute(query, [str(path)]).fetchall()
        return int(total)


def statistics(path: Path) -> Statistics:
    """Counts, lengths, turns and the balance of labels."""
    query = r"""
        SELECT count(*) AS examples, count(*) FILTER (split = 'train') AS train_examples,
               count(*) FILTER (split = 'validation') AS validation_examples,
               count(*) FILTER (split = 'test') AS test_examples, coalesce(sum(tokens), 0) AS tokens_total,
               coalesce(avg(tokens), 0) AS tokens_mean, coalesce(median(tokens), 0) AS tokens_median,
               coalesce(max(tokens), 0) AS tokens_max, coalesce(max(turns), 0) AS turns_max,
               count(*) FILTER (turns > 1) AS multi_turn,
               count(*) FILTER (messages LIKE '[{"role": "system"%') AS with_system,
               count(tools) AS with_tools, count(rejected) AS with_rejected,
               count(DISTINCT label) AS distinct_labels
    """
    with reading() as connection:
        found = connection.execute(f"{query} FROM {relation(path)}", [str(path)])
        (row,) = found.fetchall()
        figures = dict(zip((column[0] for column in found.description), row, strict=True))
        labels: list[Label] = []
        if figures["distinct_labels"] <= 200 and figures["distinct_labels"] * 2 <= figures["examples"]:
            by_label = "SELECT label, count(*) FROM read_parquet(?) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?"
            labels = [Label(text, n) for text, n in connection.execute(by_label, [str(path), _LABELS]).fetchall()]
        histogram = _histogram(connection, path, figures["tokens_max"])
    return Statistics(**figures, labels=labels, histogram=histogram)


def bins(lengths: Sequence[int]) -> list[Bin]:
    """The histogram of some lengths, as that of a version."""
    most = max(lengths, default=0)
    width = max(1, -(-(most + 1) // _BINS))
    counts = Counter(length // width for length in lengths)
    return [Bin(index * width, (index + 1) * width, counts[index]) for index in range(most // width + 1)]


def _histogram(connection: duckdb.DuckDBPyConnection, path: Path, most: int) -> list[Bin]:
    width = max(1, -(-(most + 1) // _BINS))
    query = "SELECT tokens // ?, count(*) FROM read_parquet(?) GROUP BY 1"
    counts = {int(index): int(n) for index, n in connection.execute(query, [width, str(path)]).fetchall()}
    return [Bin(index * width, (index + 1) * width, counts.get(index, 0)) for index in range(most // width + 1)]


def _record(row: tuple[Any, ...]) -> ExampleRecord:
    position, tokens, turns, *content = row
    example = stored_example(*content)
    return ExampleRecord(position, example, int(tokens), int(turns), example.flags)


def _escape(text: str) -> str:
    """`%`, `_` and the backslash as themselves inside ILIKE. Half characters, which no file holds, find nothing."""
    return arguments.whole(text).replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
