"""Cells as text, and what counts as empty."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

# Texts that stand for an empty cell. Source: <noinput> is Alpaca's; the others are what pandas, SQL, Excel and people
# write.
PLACEHOLDERS: Final = frozenset(
    {"<noinput>", "<no input>", "no input", "n/a", "n.a.", "#n/a", "nan", "<na>", "null", "<null>", "none", "<none>",
     "nil", "(none)", "(empty)", "<empty>", "-", "--", "---", "\u2013", "\u2014"}
)  # fmt: skip
_JSON: Final = json.JSONEncoder(ensure_ascii=False)  # `json.dumps` would make one for each cell, a third of its time
LONGEST_PLACEHOLDER: Final = max(map(len, PLACEHOLDERS)) + 2  # characters, with blanks


def cell_text(value: Any) -> str:
    """The text of a cell: text unchanged, other JSON values as JSON, null as the empty text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return _JSON.encode(value)


def is_empty(value: Any) -> bool:
    """Whether a cell is empty: null, or a text of blanks only."""
    return value is None or (isinstance(value, str) and not value.strip())


def is_placeholder(value: Any) -> bool:
    """Whether a cell says that there is nothing: `<noinput>`, `N/A`, `nan`, `null`, `none`, `-`.

    In a cell that an example cannot do without, these are texts like any other.
    """
    return isinstance(value, str) and len(value) <= LONGEST_PLACEHOLDER and value.strip().lower() in PLACEHOLDERS


def is_none(value: Any) -> bool:
    """Whether an optional cell has nothing to use: it is empty or a placeholder."""
    return is_empty(value) or is_placeholder(value)


def placeholders_in(values: Sequence[Any]) -> list[int]:
    """The places of placeholders in a column."""
    return [place for place, value in enumerate(values) if is_placeholder(value)]
