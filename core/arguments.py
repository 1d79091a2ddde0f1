"""What callers hand to a service, looked at before it is used: a wrong shape is said in words, not met as a TypeError.

Screens and the command line are typed; drafts, payloads of tasks and whoever scripts the services bring what they like.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from core.errors import DataError

MOST: Final = 2**31 - 1  # a page number, a limit or a position beyond it means "the end" to every engine


def mapping(value: object, field: str) -> dict[str, Any]:
    """Names with values; None is none of them.

    Raises:
        DataError: it is anything else, or a name is no text.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise DataError(f"{field} is {_short(value)}, and no names with values.", "Give an object.", field=field)
    return dict(value)


def mappings(values: object, field: str) -> tuple[dict[str, Any], ...]:
    """A list of objects, such as messages.

    Raises:
        DataError: it is no list, or one of them is no object; `field` names it.
    """
    return tuple(
        mapping(_there(item, f"{field}[{at}]"), f"{field}[{at}]") for at, item in enumerate(many(values, field))
    )


def many(values: object, field: str) -> Collection[Any]:
    """A list or another collection; a text is none, and neither is an object.

    Raises:
        DataError: it is anything else.
    """
    if not isinstance(values, Collection) or isinstance(values, str | bytes | Mapping):
        raise DataError(f"{field} is {_short(values)}, and no list.", "Give a list.", field=field)
    return values


def texts(values: object, field: str) -> list[str]:
    """A list of texts. Halves of characters, which no file holds, become something that is found nowhere.

    Raises:
        DataError: it is no list, or something else is in it.
    """
    found = many(values, field)
    for item in found:
        if not isinstance(item, str):
            raise DataError(f"{field} holds {_short(item)}, and that is no text.", "Give texts.", field=field)
    return [whole(item) for item in found]


def positions(values: object, field: str = "positions") -> list[int]:
    """Whole numbers, as places in a list.

    Raises:
        DataError: it is no list, or something else is in it.
    """
    found = list(many(values, field))
    for item in found:
        if isinstance(item, bool) or not isinstance(item, int) or abs(item) > MOST:
            raise DataError(f"{field} holds {_short(item)}, and that is no place.", "Give whole numbers.", field=field)
    return found


def count(value: int) -> int:
    """An offset or a limit as an engine takes it: below 0 is 0, and what is beyond any list is its end."""
    return max(0, min(value, MOST))


def whole(text: str) -> str:
    """A text without halves of characters: they are spelt out, so that it can be looked up and finds nothing."""
    return text.encode("utf-8", "backslashreplace").decode()


def _there(value: object, field: str) -> object:
    if value is None:
        raise DataError(f"{field} is nothing.", "Give an object.", field=field)
    return value


def _short(value: object) -> str:
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:60]}…"
