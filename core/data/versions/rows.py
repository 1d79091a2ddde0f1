"""The examples of a version one by one, parsed only when they are used; and provenance beside them.

A version may carry `provenance.parquet`: for examples that a model wrote, which model, prompt and row they came from,
as one JSON object per position. Editing moves it along with its example.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from core.data.examples.identity import beside, identity
from core.data.examples.parquet import ParquetRows
from core.data.versions.files import ADDED_LATER, read_rows, searched, stored_example, values_of
from core.messages import Example, Split

PROVENANCE = "provenance.parquet"
# In the order in which Entry takes them.
_COLUMNS = ["position", "messages", "label", "split", "source", "source_line", "tokens", "turns", "flags", *ADDED_LATER]
_PROVENANCE_SCHEMA = pa.schema([("position", pa.int64()), ("provenance", pa.string())])
_BATCH = 2_000


class Entry:
    """One stored example. `messages`, `tools` and `rejected` are JSON as it lies in the file; `tokens` an estimate."""

    __slots__ = (
        "_example", "flags", "label", "messages", "position", "rejected", "source", "source_line", "split", "tokens",
        "tools", "turns",
    )  # fmt: skip

    def __init__(
        self,
        position: int,
        messages: str,
        label: str | None,
        split: Split,
        source: str | None,
        source_line: int | None,
        tokens: int,
        turns: int,
        flags: Sequence[str] | None,
        tools: str | None = None,
        rejected: str | None = None,
    ) -> None:
        self.position = position
        self.messages = messages
        self.label = label or ""
        self.split: Split = split
        self.source = source or ""
        self.source_line = source_line or 0
        self.tokens = tokens
        self.turns = turns
        self.flags = tuple(flags or ())
        self.tools = tools
        self.rejected = rejected
        self._example: Example | None = None

    @property
    def example(self) -> Example:
        """The example, parsed at the first look."""
        if self._example is None:
            self._example = stored_example(
                self.messages, self.source, self.source_line, self.split, self.flags, self.tools, self.rejected
            )
        return self._example

    @property
    def text(self) -> str:
        """What the search looks at."""
        return searched(self.example)

    def digest(self) -> bytes:
        """16 bytes that are the same for examples that are the same."""
        return identity(self.messages if self.tools is None and self.rejected is None else self.stored)

    @property
    def stored(self) -> str:
        """The JSON by which examples are compared (`examples.identity`)."""
        return beside(self.messages, self.tools, self.rejected)


class Rows:
    """All examples of a file in their order; can be gone through any number of times, in bounded memory.

    Args:
        beat: called every 2,000 examples, and by long work over them: a sign of life; what it raises ends the work.
    """

    def __init__(self, path: Path, beat: Callable[[], None] = lambda: None) -> None:
        self.path, self.beat = path, beat
        with pq.ParquetFile(path) as file:
            self.total: int = file.metadata.num_rows

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[Entry]:
        with pq.ParquetFile(self.path) as file:
            names = file.schema_arrow.names
            for batch in file.iter_batches(_BATCH, columns=[name for name in _COLUMNS if name in names]):
                self.beat()
                # Column by column: a dictionary for each example would cost as much as all the rest.
                yield from map(Entry, *(values_of(batch, name) for name in _COLUMNS))


class Provenance:
    """Read along while the examples go by in their order: `of(position)`; {} where nothing is known."""

    def __init__(self, path: Path | None) -> None:
        self._rows = ((row["position"], row["provenance"]) for row in (read_rows(path) if path else ()))
        self._next = next(self._rows, None)

    def of(self, position: int) -> dict[str, Any]:
        """What is known of a position; positions must not go backwards."""
        while self._next is not None and self._next[0] < position:
            self._next = next(self._rows, None)
        if self._next is None or self._next[0] != position:
            return {}
        return cast(dict[str, Any], json.loads(self._next[1]))


def provenance_at(path: Path, positions: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What a file of provenance says of some positions; those that it does not have are left out."""
    found = pq.read_table(path, filters=[("position", "in", list(positions))])
    return {row["position"]: json.loads(row["provenance"]) for row in found.to_pylist()}


class ProvenanceWriter:
    """Writes `provenance.parquet` into a version's directory; no file where there is nothing to say."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / PROVENANCE
        self._path.unlink(missing_ok=True)
        self._rows: ParquetRows | None = None

    def add(self, position: int, provenance: Mapping[str, Any]) -> None:
        if not provenance:
            return
        if self._rows is None:
            self._rows = ParquetRows(self._path, _PROVENANCE_SCHEMA)
        self._rows.add({"position": position, "provenance": json.dumps(dict(provenance), ensure_ascii=False)})

    def close(self) -> None:
        if self._rows is not None:
            self._rows.close()
