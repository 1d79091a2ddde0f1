"""The analysis of a table: a profile of each column, the chat shape if it has one, and a suggested template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from core.data.conversion import chat_shapes
from core.data.conversion.guessing import ColumnGuess
from core.data.conversion.profiles import PROFILED_ROWS, Column, Profiles
from core.data.conversion.templates import TEMPLATES, TemplateSuggestion
from core.data.formats import RowBatch
from core.messages import Reject, Row

VERSION = 1  # grows when the result changes: stored analyses are then computed again


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known about a table.

    Attributes:
        total_rows: rows of the file, rejected ones included.
        rejected_rows: rows that could not be read.
        profiled_rows: rows that the columns' figures are based on.
        shape: id of the known chat shape, or None.
        suggestion: None if all columns are empty.
    """

    total_rows: int
    rejected_rows: int
    profiled_rows: int
    columns: tuple[Column, ...]
    shape: str | None
    suggestion: TemplateSuggestion | None

    def to_dict(self) -> dict[str, Any]:
        suggestion = self.suggestion.to_dict() if self.suggestion else None
        return {**asdict(self), "suggestion": suggestion}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        columns = tuple(Column(**{**item, "samples": tuple(item["samples"])}) for item in raw["columns"])
        suggestion = TemplateSuggestion.from_dict(raw["suggestion"]) if raw["suggestion"] else None
        return cls(**{**raw, "columns": columns, "suggestion": suggestion})


def analyze(rows: Iterable[Row | Reject], limit: int = PROFILED_ROWS) -> Analysis:
    """Profile the first `limit` rows and count all of them."""
    profiles = Profiles(limit)
    for row in rows:
        profiles.add(row)
    return _analysis(profiles)


def analyze_batches(batches: Iterable[RowBatch], limit: int = PROFILED_ROWS) -> Analysis:
    """The same from batches: once enough rows are profiled, the others are only counted."""
    profiles = Profiles(limit)
    for batch in batches:
        if profiles.is_full:
            profiles.count(len(batch), len(batch.rejects))
        else:
            for row in batch.items():
                profiles.add(row)
    return _analysis(profiles)


def _analysis(profiles: Profiles) -> Analysis:
    columns, shape = profiles.columns(), chat_shapes.detect(profiles.first)
    return Analysis(profiles.total, profiles.rejected, profiles.profiled, columns, shape, suggest(columns))


def suggest(columns: Sequence[Column]) -> TemplateSuggestion | None:
    """The suggestion of the template that fits best; None if all columns are empty."""
    guess = ColumnGuess.of(columns)
    if not guess.usable:
        return None
    suggestions = [found for template in TEMPLATES if (found := template.suggest(guess))]
    return max(suggestions, key=lambda suggestion: suggestion.score, default=None)


def mapping_for(analysis: Analysis, template_id: str) -> dict[str, Any]:
    """The initial column mapping for a template that a user picks.

    Raises:
        NotFound: no such template.
    """
    template, suggestion = TEMPLATES.get(template_id), analysis.suggestion
    if suggestion and suggestion.template == template_id:
        return suggestion.mapping.to_dict()
    return template.first_mapping(ColumnGuess.of(analysis.columns)).to_dict()
