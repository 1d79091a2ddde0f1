"""What is accepted although it may mean something else: named where the user decides, before anything is created."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from core.data.conversion.cells import is_empty, is_placeholder
from core.data.conversion.chat_shapes import CHAT_SHAPES
from core.data.conversion.chat_shapes.reading.values import plain_name
from core.data.conversion.content.totals import called_total, total_rows
from core.data.conversion.labeling import Recipe
from core.data.conversion.profiles import Profiles
from core.data.issues import finding
from core.data.quality.structure import split_of
from core.messages import Finding, Row
from core.text import plural

_NAMED: Final = 4  # different values in one sentence


def doubts(recipe: Recipe, rows: Sequence[Row]) -> tuple[Finding, ...]:
    """Unknown splits, outputs that are placeholders, and total rows; each kind with its count and first line."""
    return (*_splits(recipe, rows), *_outputs(recipe, rows), *_totals(recipe, rows))


def _splits(recipe: Recipe, rows: Sequence[Row]) -> Iterable[Finding]:
    """Values of a column `split` that are not splits, where others are."""
    if not recipe.obeys_split:
        return
    filled = [
        (row.line, name, value)
        for row in rows
        for name, value in row.fields.items()
        if plain_name(name) == "split" and not is_empty(value)
    ]
    unknown = [(line, str(value).strip()) for line, _, value in filled if split_of(value) is None]
    if unknown and len(unknown) < len(filled):
        name = filled[0][1]
        text = f"`{name}` is not a known split in {_places(unknown, len(rows))}; these examples would be trained on."
        remedy = f"Write train, validation or test, or ignore the column: --without {name}."
        yield finding("split_unknown", text, remedy, line=unknown[0][0], field=name)


def _outputs(recipe: Recipe, rows: Sequence[Row]) -> Iterable[Finding]:
    """Placeholders in the column of the output."""
    for name in _output_columns(recipe, rows):
        empty = [(row.line, str(row.fields[name]).strip()) for row in rows if is_placeholder(row.fields.get(name))]
        if empty:
            text = f"The output `{name}` may mean that there is none in {_places(empty, len(rows))}."
            yield finding("output_placeholder", text, line=empty[0][0], field=name)


def _output_columns(recipe: Recipe, rows: Sequence[Row]) -> Iterable[str]:
    if recipe.template:
        return [recipe.mapping.target] if recipe.mapping.target else []
    shape = CHAT_SHAPES.get(recipe.shape or "")
    names = {name: None for row in rows for name, value in row.fields.items() if isinstance(value, str)}
    return [name for name in names if plain_name(name) in _OUTPUTS and name not in shape.optional]


_OUTPUTS: Final = frozenset(
    {"output", "outputs", "answer", "response", "completion", "target", "label", "reply", "assistant", "chosen"}
)


def _totals(recipe: Recipe, rows: Sequence[Row]) -> Iterable[Finding]:
    """Rows of a known shape that sum others; for a template, the analysis names them."""
    if recipe.template or not any(_calls_itself_total(row) for row in rows):
        return
    profiles = Profiles(len(rows))
    for row in rows:
        profiles.add(row)
    for total in total_rows(profiles.columns(), profiles.sample, None):
        if total.line not in recipe.leave_out:
            called = f" (“{total.label}”)" if total.label else ""
            yield finding("total_row", f"Line {total.line:,} looks like a total row{called}.", line=total.line)


def _calls_itself_total(row: Row) -> bool:
    return any(isinstance(value, str) and called_total(value) for value in row.fields.values())


def _places(found: Sequence[tuple[int, Any]], of: int) -> str:
    """`2 of 9 rows: “trian” (1) and “holdout?” (1), first on line 4`."""
    counts = Counter(text for _, text in found).most_common()
    listed = ", ".join(f"“{text[:40]}” ({count:,})" for text, count in counts[:_NAMED])
    more = f" and {len(counts) - _NAMED:,} more" if len(counts) > _NAMED else ""
    return f"{len(found):,} of {plural(of, 'row')}: {listed}{more}, first on line {found[0][0]:,}"
