"""Names and cells as every shape reads them: names without case, lists in cells as JSON or Python text."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from core.data.conversion.cells import cell_text, is_empty

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAP = re.compile(r"[\s\-]+")
_MOST_LITERAL = 1_000_000  # characters of a list written by Python; parsing a longer one takes seconds


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """A column's name to compare: `systemInstruction`, `System Instruction` and `system-instruction` are the same."""
    return _GAP.sub("_", _HUMP.sub("_", name.strip())).lower()


def lowered(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by their names to compare."""
    return {plain_name(name): value for name, value in fields.items()}


def as_list(value: Any) -> Any:
    """The list itself, or the list in a cell as JSON or Python text; anything else unchanged.

    An object of equally long lists, as Hugging Face's `Sequence` of a structure is stored, is the list of its objects.
    """
    if isinstance(value, Mapping) and {"role", "from"} & value.keys():
        columns = list(value.values())
        if all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
            return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    return _parsed(value, "[")


def as_object(value: Any) -> Any:
    """The object itself, or the object in a cell as JSON or Python text; anything else unchanged."""
    return _parsed(value, "{")


def _parsed(value: Any, first: str) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(first):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    if len(value) > _MOST_LITERAL:
        return value
    try:  # as pandas writes lists and dictionaries into a CSV file: single quotes, None, True
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
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


def first_of(lower: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The first filled field of these names; None if all are empty."""
    return next((lower[name] for name in names if not is_empty(lower.get(name)) and lower[name] not in ([], {})), None)


def has_words(value: Any) -> bool:
    """Whether a cell is written language: text with at least two words."""
    return isinstance(value, str) and sum(map(str.isalpha, value)) >= 3 and len(value.split()) >= 2
