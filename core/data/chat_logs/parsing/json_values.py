"""Tolerant access to JSON of unknown origin: a value of the wrong type counts as missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Object = Mapping[str, Any]


def text(value: Any) -> str:
    """The text, or "" for another type."""
    return value if isinstance(value, str) else ""


def thing(value: Any) -> Object:
    """The object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def word(value: Any) -> str:
    """A text or an integer as text (ids are written both ways), or ""."""
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, str | int) else ""


def raw(value: Any) -> str:
    """The value as JSON, for the download."""
    return json.dumps(value, ensure_ascii=False, default=str)
