"""What differs between two versions: examples added, removed and changed, matched by their messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import arguments
from core.data.examples.identity import CALLS, canonical, canonical_tools
from core.data.examples.parquet import connect
from core.data.versions import files, reader
from core.data.versions.reader import ExampleRecord
from core.errors import DataError
from core.services.data.datasets.records import version_file

if TYPE_CHECKING:
    import duckdb

DIFFERENCES = ("changed", "added", "removed", "unchanged")

CHANGES = ("messages", "tools", "rejected", "split")

# What is the same by examples.identity is the same example, the first with the first where there are several. What is
# left is the same example where it comes from the same row of the same source, then where the input is the same.
_STEPS = (
    ("md5(whole), split", "true"),
    ("md5(whole)", "true"),
    ("md5(messages), split", "true"),
    ("md5(messages)", "true"),
    ("source, source_line", "source_line > 0"),
    ("json_extract_string(list_filter(json_extract(messages, '$[*]'), "
     "lambda m: json_extract_string(m, '$.role') = 'user')[1], '$.content')", "true"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One example in two versions. `kind` is one of DIFFERENCES; `what` names what changed: one of CHANGES."""

    kind: str
    before: ExampleRecord | None
    after: ExampleRecord | None
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """How two versions differ, in examples. `rows` are one page of those, `total` their number."""

    added: int
    removed: int
    changed: int
    unchanged: int
    total: int = 0
    rows: tuple[DiffRow, ...] = ()


def compare(version_a: str, version_b: str) -> Diff:
    """How many examples differ from version `a` to version `b`, without the rows."""
    with _matched(version_a, version_b) as connection:
        return _counts(connection)


def diff(version_a: str, version_b: str, offset: int = 0, limit: int = 20, kind: str | None = None) -> Diff:
    """How version `b` differs from version `a`, with one page of the examples that differ.

    Args:
        kind: only changed, added, removed or unchanged ones; None: all that differ.

    Raises:
        DataError: an unknown kind. NotFound: a version was deleted.
    """
    if kind is not None and kind not in DIFFERENCES:
        text = f"Unknown kind of difference: {kind!r}."
        raise DataError(text, f"Choose one of {', '.join(DIFFERENCES)}.", field="kind")
    kinds = [kind] if kind else [known for known in DIFFERENCES if known != "unchanged"]
    with _matched(version_a, version_b) as connection:
        counts = _counts(connection)
        query = """
            SELECT kind, a, b, what FROM pairs WHERE list_contains(?, kind)
            ORDER BY coalesce(b, a), b IS NULL, a LIMIT ? OFFSET ?
        """
        matched = connection.execute(query, [kinds, arguments.count(limit), arguments.count(offset)]).fetchall()
    before = _records(version_a, [a for _, a, _, _ in matched if a is not None])
    after = _records(version_b, [b for _, _, b, _ in matched if b is not None])
    rows = tuple(DiffRow(name, before.get(a), after.get(b), tuple(what or ())) for name, a, b, what in matched)
    total = sum(getattr(counts, name) for name in kinds)
    return Diff(counts.added, counts.removed, counts.changed, counts.unchanged, total, rows)


def _records(version_id: str, positions: list[int]) -> dict[int | None, ExampleRecord]:
    return {item.position: item for item in reader.at(version_file(version_id, files.EXAMPLES), positions)}


@contextmanager
def _matched(version_a: str, version_b: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the table pairs(kind, a, b, what) of positions."""
    with connect() as connection:
        connection.create_function("canonical", canonical)
        connection.create_function("canonical_tools", canonical_tools)
        for side, version in (("a", version_a), ("b", version_b)):
            path = version_file(version, files.EXAMPLES)
            connection.execute(
                f"CREATE TEMP TABLE left_{side} AS SELECT *, CASE WHEN tools || rejected = '' THEN messages "  # noqa: S608
                "ELSE concat_ws(chr(10), messages, tools, rejected) END AS whole FROM ("
                "SELECT position, split, source, source_line, "
                f"CASE WHEN contains(messages, '{CALLS}') THEN canonical(messages) ELSE messages END AS messages, "
                "CASE WHEN tools IS NULL THEN '' ELSE canonical_tools(tools) END AS tools, "
                "CASE WHEN rejected IS NULL THEN '' ELSE canonical(rejected) END AS rejected "
                f"FROM {files.relation(path)})",
                [str(path)],
            )
        connection.execute("CREATE TEMP TABLE pairs (kind VARCHAR, a BIGINT, b BIGINT, what VARCHAR[])")
        for columns, where in _STEPS:
            _match(connection, columns, where)
        connection.execute("INSERT INTO pairs SELECT 'removed', position, NULL, [] FROM left_a")
        connection.execute("INSERT INTO pairs SELECT 'added', NULL, position, [] FROM left_b")
        yield connection


def _match(connection: duckdb.DuckDBPyConnection, columns: str, where: str) -> None:
    """Pair what is left on both sides by these columns, the first with the first, and remove the pairs."""
    for side in "ab":
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE keys_{side} AS SELECT position, key, "  # noqa: S608  fixed texts only
            f"row_number() OVER (PARTITION BY key ORDER BY position) AS n FROM "
            f"(SELECT position, row({columns}, 0) AS key FROM left_{side} WHERE {where})"
        )
    changed = " || ".join(f"CASE WHEN la.{name} = lb.{name} THEN [] ELSE ['{name}'] END" for name in CHANGES)
    connection.execute(f"""
        INSERT INTO pairs
        SELECT CASE WHEN len(what) = 0 THEN 'unchanged' ELSE 'changed' END, a, b, what FROM (
            SELECT la.position AS a, lb.position AS b,
                   {changed} AS what
            FROM keys_a JOIN keys_b ON keys_a.key = keys_b.key AND keys_a.n = keys_b.n
            JOIN left_a la ON la.position = keys_a.position JOIN left_b lb ON lb.position = keys_b.position)
    """)  # noqa: S608  fixed texts only
    connection.execute("DELETE FROM left_a WHERE position IN (SELECT a FROM pairs WHERE a IS NOT NULL)")
    connection.execute("DELETE FROM left_b WHERE position IN (SELECT b FROM pairs WHERE b IS NOT NULL)")


def _counts(connection: duckdb.DuckDBPyConnection) -> Diff:
    rows: list[Any] = connection.execute("SELECT kind, count(*) FROM pairs GROUP BY kind").fetchall()
    counts = {str(kind): int(number) for kind, number in rows}
    return Diff(counts.get("added", 0), counts.get("removed", 0), counts.get("changed", 0), counts.get("unchanged", 0))
