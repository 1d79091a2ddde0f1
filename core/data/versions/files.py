"""The files of a version: their names and columns, and how rows are written into them and read back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.arguments import whole
from core.data.examples.identity import messages_of, stored, stored_tools, tools_of
from core.data.examples.lengths import characters_of
from core.data.examples.parquet import ParquetRows
from core.data.versions import manifest
from core.data.versions.manifest import Manifest, StoredFile
from core.messages import Example, Finding, Reject, Split
from core.text import estimated_tokens

EXAMPLES, FINDINGS, REJECTS, MANIFEST = "examples.parquet", "findings.parquet", "rejects.jsonl", manifest.FILE
LABEL_CHARACTERS = 200  # characters of the last answer

FLAGS = pa.list_(pa.string())
EXAMPLE_SCHEMA = pa.schema(
    [
        ("position", pa.int64()),
        ("messages", pa.string()),  # the chat-format JSON
        ("label", pa.string()),  # the last answer, for the balance of labels
        ("split", pa.string()),
        ("source", pa.string()),
        ("source_line", pa.int64()),
        ("turns", pa.int32()),
        ("characters", pa.int64()),
        ("tokens", pa.int64()),  # an estimate: characters / 4
        ("flags", FLAGS),  # codes of the findings about this example
        ("tools", pa.string()),  # the JSON of the tools; null where there are none
        ("rejected", pa.string()),  # the chat-format JSON of a rejected answer; null where there is none
    ]
)
UNSPLIT_SCHEMA = pa.schema(list(EXAMPLE_SCHEMA)[1:])  # of examples on their way: positions are given at the end
_PLAIN_SCHEMA = pa.schema(list(EXAMPLE_SCHEMA)[:-2])
ADDED_LATER = ("tools", "rejected")  # columns that versions of earlier releases do not have: none of it
SEARCHED = (  # in SQL the same as `searched`
    "concat_ws(chr(10), array_to_string(json_extract_string(messages, '$[*].content'), chr(10)), "
    "array_to_string(json_extract_string(rejected, '$[*].content'), chr(10)), tools)"
)
FINDING_SCHEMA = pa.schema(
    [
        ("line", pa.int64()), ("field", pa.string()), ("code", pa.string()), ("severity", pa.string()),
        ("message", pa.string()), ("remedy", pa.string()), ("raw", pa.string()), ("rows", pa.list_(pa.int64())),
    ]
)  # fmt: skip


def write_manifest(directory: Path, facts: Manifest) -> Manifest:
    """Write manifest.json with the hash and size of every other file; returns it complete."""
    files: dict[str, StoredFile] = {}
    for path in sorted(directory.iterdir()):
        if path.name == MANIFEST:
            continue
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        files[path.name] = StoredFile(digest, path.stat().st_size)
    complete = replace(facts, files=files)
    complete.write(directory)
    return complete


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """Write a separate findings file (when a version is checked again)."""
    rows = ParquetRows(path, FINDING_SCHEMA)
    for found in findings:
        rows.add(finding_row(found))
    rows.close()


def example_row(position: int, example: Example, flags: Iterable[str]) -> dict[str, Any]:
    answers = [message.content for message in example.messages if message.role == "assistant"]
    characters, tools = characters_of(example.messages), stored_tools(example.tools)
    row = {
        "position": position,
        "messages": stored(example.messages),
        "label": answers[-1][:LABEL_CHARACTERS] if answers else "",
        "split": example.split,
        "source": example.source,
        "source_line": example.source_line,
        "turns": sum(message.role == "user" for message in example.messages),
        "characters": characters,
        "tokens": estimated_tokens(characters + len(tools or "")),
        "flags": sorted(set(flags)),
    }
    if tools or example.rejected:
        row |= {"tools": tools, "rejected": stored(example.rejected) if example.rejected else None}
    return row


def table_of(rows: Sequence[dict[str, Any]]) -> Any:
    """The table of rows that `example_row` made. A column that no row has is not gone through."""
    if any("tools" in row for row in rows):
        return pa.Table.from_pylist(rows, schema=EXAMPLE_SCHEMA)
    return completed(pa.Table.from_pylist(rows, schema=_PLAIN_SCHEMA))


def searched(example: Example) -> str:
    """What a search looks at: every content, also of a rejected answer, and the tools, one after another."""
    contents = [message.content for message in example.messages]
    if example.tools or example.rejected:
        contents += [message.content for message in example.rejected]
        contents += filter(None, (stored_tools(example.tools),))
    return "\n".join(contents)


def stored_example(
    messages: str,
    source: str,
    source_line: int,
    split: Split,
    flags: Iterable[str] | None,
    tools: str | None,
    rejected: str | None,
) -> Example:
    """The example of a row that `example_row` made."""
    worse = messages_of(rejected) if rejected else ()
    return Example(messages_of(messages), source, source_line, split, tuple(flags or ()), tools_of(tools), worse)


def values_of(batch: Any, name: str) -> Iterable[Any]:
    """The values of a column; None for each where all are null or there is no such column."""
    column = batch.column(name) if name in batch.schema.names else None
    if column is None or column.null_count == len(column) or (name == "flags" and not len(column.flatten())):
        return repeat(None, len(batch))
    values: list[Any] = column.to_pylist()
    return values


def relation(path: Path) -> str:
    """The FROM of a query over an examples file, with one parameter: its path. Columns it lacks are null."""
    names = pq.read_schema(path).names
    missing = [f"NULL::VARCHAR AS {name}" for name in ADDED_LATER if name not in names]
    return f"(SELECT *, {', '.join(missing)} FROM read_parquet(?))" if missing else "read_parquet(?)"  # noqa: S608


def has_any(path: Path, *columns: str) -> bool:
    """Whether an example of a file has a value in one of these columns that may be null. Reads the footer alone."""
    metadata = pq.read_metadata(path)
    schema = metadata.schema.to_arrow_schema()
    leaves = [metadata.schema.column(index).path for index in range(len(metadata.schema))]
    return any(
        (counted := metadata.row_group(group).column(leaves.index(name)).statistics) is None
        or counted.null_count < metadata.row_group(group).num_rows
        for name in columns
        if name in schema.names
        for group in range(metadata.num_row_groups)
    )


def completed(batch: Any) -> Any:
    """A record batch or table of an examples file with the columns of today: those that it lacks are null.

    Earlier releases stored what a search looks at as well (`text`), which made every file half as large again.
    """
    for name in ADDED_LATER:
        if name not in batch.schema.names:
            batch = batch.append_column(EXAMPLE_SCHEMA.field(name), pa.nulls(batch.num_rows, pa.string()))
    known = EXAMPLE_SCHEMA.names
    return batch if batch.schema.names == known else batch.select([n for n in known if n in batch.schema.names])


def reject_line(item: Reject) -> str:
    """A row that was left out, verbatim with its reasons, as a line of JSON."""
    content = {"line": item.line, "raw": item.raw, "findings": [found.to_dict() for found in item.findings]}
    return json.dumps(content) + "\n"  # ASCII escapes keep even half characters and invalid bytes as they were read


def finding_row(found: Finding) -> dict[str, Any]:
    row = {**found.to_dict(), "rows": list(found.rows), "raw": found.raw}
    # Parquet holds Unicode only: half characters are shown escaped here, verbatim in the rejects.
    return {key: whole(value) if isinstance(value, str) else value for key, value in row.items()}


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Every row of a Parquet file, a batch at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(2_000):
            yield from batch.to_pylist()
