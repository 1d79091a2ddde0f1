"""The analysis of a table: a profile of each column, the chat shape if it has one, and a suggested template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from core.data.conversion import chat_shapes
from core.data.conversion.content.relations import Relation, relations
from core.data.conversion.content.totals import TotalRow, total_rows
from core.data.conversion.guessing import ColumnGuess
from core.data.conversion.privacy import privacy_findings
from core.data.conversion.profiles import PROFILED_ROWS, Column, Profiles, RowTotals, sampled
from core.data.conversion.templates import TEMPLATES, ColumnMapping, TemplateSuggestion
from core.data.formats import RowBatch
from core.data.formats.parsing import nested
from core.data.issues import finding
from core.messages import Finding, Reject, Row

VERSION = 4  # grows when the result changes: stored analyses are then computed again


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known about a table.

    Attributes:
        total_rows: rows of the file, rejected ones included.
        rejected_rows: rows that could not be read.
        profiled_rows: rows that the columns' figures are based on.
        shape: id of the known chat shape, or None.
        relations: how columns belong together.
        totals: rows that sum others; what is learned from them is not about a row of the table.
        suggestion: None if all columns are empty.
        flattened: a better suggestion for the same rows with their nested fields as columns, if there is one.
    """

    total_rows: int
    rejected_rows: int
    profiled_rows: int
    columns: tuple[Column, ...]
    relations: tuple[Relation, ...]
    totals: tuple[TotalRow, ...]
    shape: str | None
    suggestion: TemplateSuggestion | None
    flattened: TemplateSuggestion | None = None

    def to_dict(self) -> dict[str, Any]:
        suggestions = {"suggestion": self.suggestion, "flattened": self.flattened}
        return {**asdict(self), **{name: found.to_dict() if found else None for name, found in suggestions.items()}}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        columns = tuple(map(Column.from_dict, raw["columns"]))
        related = tuple(map(Relation.from_dict, raw["relations"]))
        totals = tuple(TotalRow(item["line"], item["label"], tuple(item["sums"])) for item in raw["totals"])
        suggestion, flattened = (
            TemplateSuggestion.from_dict(raw[name]) if raw[name] else None for name in ("suggestion", "flattened")
        )
        parts: dict[str, Any] = {"columns": columns, "relations": related, "totals": totals}
        parts |= {"suggestion": suggestion, "flattened": flattened}
        return cls(**{**raw, **parts})

    @property
    def best(self) -> TemplateSuggestion | None:
        """The suggestion to show first: with nested fields as columns, if that fits better."""
        return self.flattened or self.suggestion

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to know about the rows and columns before they become examples: total rows, mixed decimals."""
        remedy = "Leave it out in the step Configure, or on the command line with --leave-out {}."
        totals = [
            finding("total_row", _total_text(item), remedy.format(item.line), line=item.line) for item in self.totals
        ]
        mixed = [column for column in self.columns if column.type == "number" and column.decimals == "mixed"]
        return (*totals, *(finding("mixed_decimals", _mixed_text(column), field=column.name) for column in mixed))


def _total_text(total: TotalRow) -> str:
    called = f" (“{total.label}”)" if total.label else ""
    sums = ", ".join(f"`{name}`" for name in total.sums)
    shown = f": it has the sum of the rows above in {sums}" if sums else ""
    return f"Line {total.line:,} looks like a total row{called}{shown}."


def _mixed_text(column: Column) -> str:
    comma, point = column.decimals_shown
    return f"`{column.name}` has numbers with a decimal comma (“{comma}”) and with a decimal point (“{point}”)."


def analyze(rows: Iterable[Row | Reject], limit: int = PROFILED_ROWS) -> Analysis:
    """Profile the first `limit` rows and count all of them."""
    profiles = Profiles(limit)
    for row in rows:
        profiles.add(row)
    return _analysis(profiles)


def analyze_batches(
    batches: Iterable[RowBatch], limit: int = PROFILED_ROWS, tallies: Iterable[RowTotals] | None = None
) -> Analysis:
    """The same from batches: once enough rows are profiled, the others are only counted.

    Args:
        tallies: of the parts of the whole file, where others count it; None: it is counted here.
    """
    profiles = Profiles(limit)
    for batch in batches:
        if not profiles.is_full:
            for row in batch.items():
                profiles.add(row)
        elif tallies is None:
            profiles.skip(RowTotals.of([batch]))
        else:
            break
    if tallies is not None:
        profiles.total = profiles.rejected = 0
        for tally in tallies:
            profiles.skip(tally)
    return _analysis(profiles)


def _analysis(profiles: Profiles) -> Analysis:
    columns, shape = profiles.columns(), chat_shapes.detect(profiles.first)
    related = relations(columns, [row.cells for row in profiles.sample])
    last = profiles.last
    beyond = sampled(last) if last and profiles.sample and last.line != profiles.sample[-1].line else None
    suggestion = suggest(columns, related)
    return Analysis(
        total_rows=profiles.total,
        rejected_rows=profiles.rejected,
        profiled_rows=profiles.profiled,
        columns=columns,
        relations=related,
        totals=total_rows(columns, profiles.sample, beyond),
        shape=shape,
        suggestion=suggestion,
        flattened=None if shape else _flattened(profiles.first, suggestion),
    )


def _flattened(rows: Sequence[Row], plain: TemplateSuggestion | None) -> TemplateSuggestion | None:
    """The suggestion for the first rows with their objects as columns, if it uses one of them and fits better."""
    objects = {name for row in rows for name, value in row.fields.items() if isinstance(value, dict)}
    if not objects:
        return None
    profiles = Profiles(len(rows))
    for row in rows:
        profiles.add(Row(row.line, nested.flatten(row.fields)))
    columns = profiles.columns()
    found = suggest(columns, relations(columns, [row.cells for row in profiles.sample]))
    if found is None or _used(found) <= {name for row in rows for name in row.fields}:
        return None
    better = plain is None or found.score > plain.score or (found.score == plain.score and _used(plain) & objects)
    return found if better else None


def _used(suggestion: TemplateSuggestion) -> set[str]:
    roles = TEMPLATES.get(suggestion.template).roles
    return {column for role in roles for column in suggestion.mapping.columns(role.id)}


def suggest(columns: Sequence[Column], related: Sequence[Relation] = ()) -> TemplateSuggestion | None:
    """The suggestion of the template that fits best; None if all columns are empty."""
    guess = ColumnGuess.of(columns, related)
    if not guess.usable:
        return None
    suggestions = [found for template in TEMPLATES if (found := template.suggest(guess))]
    return max(suggestions, key=lambda suggestion: suggestion.score, default=None)


def first_choice(analysis: Analysis, template_id: str) -> TemplateSuggestion:
    """The columns and options to begin with when a user picks a template.

    Raises:
        NotFound: no such template.
    """
    template, suggestion = TEMPLATES.get(template_id), analysis.suggestion
    if suggestion and suggestion.template == template_id:
        return suggestion
    guess = _guess(analysis)
    mapping = template.first_mapping(guess)
    return TemplateSuggestion(template_id, mapping, "", options=template.wording(guess, mapping))


def wording(analysis: Analysis, template_id: str, mapping: ColumnMapping) -> dict[str, Any]:
    """Values of a template's options that fit the chosen columns, such as a system message that lists the labels.

    Raises:
        NotFound: no such template.
    """
    return TEMPLATES.get(template_id).wording(_guess(analysis), mapping)


def warnings(
    analysis: Analysis, template_id: str, mapping: ColumnMapping, options: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """What to know about the chosen columns before they become examples: personal data in them.

    Raises:
        NotFound: no such template.
    """
    return privacy_findings(analysis.columns, TEMPLATES.get(template_id).used_columns(mapping, options))


def _guess(analysis: Analysis) -> ColumnGuess:
    return ColumnGuess.of(analysis.columns, analysis.relations)
