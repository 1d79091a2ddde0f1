"""The examples of a version that an issue affects, read from the files of its quality report."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from core.data.issues import AffectedRow
from core.data.quality import store
from core.messages import Message


@dataclass(frozen=True)
class ReportFiles:
    """The files of a version that fixes read; the places of an issue are read once."""

    examples: Path
    issues: Path
    _places: dict[str, list[AffectedRow]] = field(default_factory=dict, repr=False)

    def places(self, code: str) -> list[AffectedRow]:
        """All examples that an issue affects, in their order."""
        if code not in self._places:
            self._places[code] = store.places(self.issues, code)
        return self._places[code]


@dataclass
class AffectedExamples:
    """Those that an issue affects (`issues.Affected`); with `chosen`, those and what belongs to the same groups."""

    files: ReportFiles
    code: str
    chosen: Collection[int] | None = None

    @cached_property
    def rows(self) -> Sequence[AffectedRow]:
        """Those to be fixed, and all others of their groups."""
        rows = self.files.places(self.code)
        if self.chosen is None:
            return rows
        chosen = set(self.chosen)
        groups = {row.group for row in rows if row.position in chosen and row.group >= 0}
        return [row for row in rows if row.position in chosen or row.group in groups]

    @cached_property
    def positions(self) -> Sequence[int]:
        """Those to be fixed, in ascending order."""
        if self.chosen is None:
            return sorted({row.position for row in self.rows if row.subject})
        return sorted({row.position for row in self.rows}.intersection(self.chosen))

    def places(self, code: str) -> Sequence[AffectedRow]:
        """All examples that an issue affects."""
        return self.files.places(code)

    def messages(self, positions: Sequence[int]) -> Iterator[tuple[int, tuple[Message, ...]]]:
        """The messages at some positions, by position."""
        return store.messages_at(self.files.examples, positions)
