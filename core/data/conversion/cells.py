"""Cells as text, and what counts as empty."""

from __future__ import annotations

import json
from typing import Any


def cell_text(value: Any) -> str:
    """The text of a cell: text unchanged, other JSON values as JSON, null as the empty text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False)


def is_empty(value: Any) -> bool:
    """Whether a cell is empty: null, or a text of blanks only."""
    return value is None or (isinstance(value, str) and not value.strip())
