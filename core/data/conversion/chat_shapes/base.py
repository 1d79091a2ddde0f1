"""What every chat shape shares: the record, its registry, recognition, and how cells become messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.data.conversion.cells import cell_text
from core.messages import Row
from core.registry import Registry

SAMPLE = 50  # rows that recognition looks at


@dataclass(frozen=True, slots=True)
class ChatShape:
    """A shape of rows that are examples already.

    Attributes:
        text: where it comes from, for the screen and the docs.
        required: column names, in lower case, that make the shape, in the order to be shown.
        optional: further columns that it uses.
        to_messages: fields -> chat-format dictionaries, unchecked (quality.structure checks them).
        lists: the required columns that must contain a list of objects.
    """

    id: str
    title: str
    text: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    to_messages: Callable[[Mapping[str, Any]], object]
    lists: tuple[str, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        """Every column that it uses."""
        return frozenset((*self.required, *self.optional))

    def fits(self, fields: Mapping[str, Any]) -> bool:
        """Whether a row, its names in lower case, is in this shape."""
        if not set(self.required) <= fields.keys():
            return False
        return all(isinstance(as_list(fields[name]), list) for name in self.lists)


CHAT_SHAPES: Final = Registry[ChatShape]("chat shape")


def detect(rows: Iterable[Row]) -> str | None:
    """The id of the shape that most of these rows are in, or None.

    Half of the rows are enough: then those that do not fit are rejected with their reasons, instead of all rows being
    "unknown". The first shape in the registry that fits is taken.
    """
    sample = [lowered(row.fields) for row in rows]
    for shape in CHAT_SHAPES:
        fitting = sum(shape.fits(fields) for fields in sample)
        if fitting and fitting * 2 >= len(sample):
            return shape.id
    return None


# ---- cells to messages


def lowered(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with their names in lower case, without blanks around them."""
    return {name.strip().lower(): value for name, value in fields.items()}


def as_list(value: Any) -> Any:
    """The list itself, or the list in a cell as JSON text; anything else unchanged."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def without_nulls(messages: Any) -> Any:
    """In columnar files every message has every key, with null for the missing ones; those keys are dropped."""
    if not isinstance(messages, list):
        return messages
    return [
        {key: value for key, value in item.items() if value is not None or key == "content"}
        if isinstance(item, Mapping)
        else item
        for item in messages
    ]


def pair(user: Any, assistant: Any) -> list[dict[str, Any]]:
    """An input and its output as two messages."""
    return [
        {"role": "user", "content": plain_content(user)},
        {"role": "assistant", "content": plain_content(assistant)},
    ]


def plain_content(value: Any) -> Any:
    """JSON numbers and booleans as text; lists, objects and null unchanged, so that the check reports them."""
    return cell_text(value) if isinstance(value, bool | int | float) else value
