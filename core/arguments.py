"""Validate arguments at the service boundary: a wrong type raises DataError with the field's name, not a TypeError.

Screens and the command line are typed; drafts, task payloads and scripts can contain anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from core.errors import DataError

MAX_OFFSET: Final = 2**31 - 1  # upper bound of pages, limits and positions; it fits a 32-bit integer


def mapping(value: object, field: str) -> dict[str, Any]:
    """An object with text keys; None is an empty one.

    Raises:
        DataError: the value is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise DataError(f"`{field}` must be an object with text keys; got {_short(value)}.", field=field)
    return dict(value)


def mappings(values: object, field: str) -> tuple[dict[str, Any], ...]:
    """A list of objects, such as messages.

    Raises:
        DataError: the value is not a list, or an item is not an object; `field` names it.
    """
    return tuple(
        mapping(_present(item, f"{field}[{at}]"), f"{field}[{at}]") for at, item in enumerate(many(values, field))
    )


def many(values: object, field: str) -> Collection[Any]:
    """A list or another collection, but neither a text nor an object.

    Raises:
        DataError: the value is something else.
    """
    if not isinstance(values, Collection) or isinstance(values, str | bytes | Mapping):
        raise DataError(f"`{field}` must be a list; got {_short(values)}.", field=field)
    return values


def texts(values: object, field: str) -> list[str]:
    """A list of texts. Lone surrogates, which no file can contain, are escaped, so that a search finds nothing.

    Raises:
        DataError: the value is not a list, or an item is not a text.
    """
    items = many(values, field)
    for item in items:
        if not isinstance(item, str):
            raise DataError(f"`{field}` must contain only strings; got {_short(item)}.", field=field)
    return [whole(item) for item in items]


def positions(values: object, field: str = "positions") -> list[int]:
    """A list of positions: whole numbers.

    Raises:
        DataError: the value is not a list, or an item is not a whole number.
    """
    items = list(many(values, field))
    for item in items:
        if isinstance(item, bool) or not isinstance(item, int) or abs(item) > MAX_OFFSET:
            raise DataError(f"`{field}` must contain only whole numbers; got {_short(item)}.", field=field)
    return items


def count(value: int) -> int:
    """An offset or a limit, bounded to 0..MAX_OFFSET."""
    return max(0, min(value, MAX_OFFSET))


def whole(text: str) -> str:
    """A text with lone surrogates escaped, so that a database accepts it and finds nothing."""
    return text.encode("utf-8", "backslashreplace").decode()


def _present(value: object, field: str) -> object:
    if value is None:
        raise DataError(f"`{field}` is empty.", "Fill it in.", field=field)
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
