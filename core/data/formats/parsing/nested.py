"""Objects and lists in cells: used as they are, written as JSON text, or spread over columns named `outer.inner`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from core.messages import Reject, Row

_LOOKED_AT = 50


def nested_fields(items: Iterable[Row | Reject]) -> tuple[str, ...]:
    """The fields that have objects or lists in the first rows."""
    found: dict[str, None] = {}
    for item in islice(items, _LOOKED_AT):
        if isinstance(item, Row):
            found.update(dict.fromkeys(name for name, value in item.fields.items() if isinstance(value, dict | list)))
    return tuple(found)


def reshape(items: Iterable[Row | Reject], way: str) -> Iterator[Row | Reject]:
    """The rows with their objects and lists as `way` says."""
    change = as_text if way == "text" else flatten
    for item in items:
        yield item if isinstance(item, Reject) else Row(item.line, change(item.fields))


def as_text(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text(value) if isinstance(value, dict | list) else value for name, value in fields.items()}


def flatten(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Objects become columns, lists JSON text; a name that exists already gets a number, so that no value is lost."""
    out: dict[str, Any] = {}
    taken = set(fields)

    def put(name: str, value: Any, top: bool) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                put(f"{name}.{key}", inner, False)
            return
        free, number = name, 2
        while free in out or (not top and free in taken):
            free, number = f"{name}_{number}", number + 1
        out[free] = _text(value) if isinstance(value, dict | list) else value

    for name, value in fields.items():
        put(name, value, True)
    return out


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
