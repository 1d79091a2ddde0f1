"""How a model writes tool calls: the marks in its answer, and what is between them.

Templates teach a model its own way of writing a call, and no two families agree. A way that is not known here leaves
the answer as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.registry import Registry

Call = tuple[str, str]  # the name of the function, and its arguments as JSON text


@dataclass(frozen=True, slots=True)
class CallSyntax:
    """One way of writing calls.

    Attributes:
        mark: the text with which the calls of an answer begin; "" if the whole answer is the call.
        used_by: whether a chat template teaches this way.
        read: the part of an answer from the first mark on -> its calls; None if it is not a call. Pure.
    """

    id: str
    mark: str
    used_by: Callable[[str], bool]
    read: Callable[[str], list[Call] | None]


CALL_SYNTAXES: Final = Registry[CallSyntax]("tool call syntax")


def of_template(template: str) -> CallSyntax | None:
    """The way of writing calls that a chat template teaches, if it is known."""
    return next((syntax for syntax in CALL_SYNTAXES if syntax.used_by(template)), None)


def call_of(value: Any) -> Call | None:
    """The call that an object describes: its name, and its arguments under one of their common names."""
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str) or not value["name"]:
        return None
    given: Any = next((value[key] for key in ("arguments", "parameters", "args") if value.get(key) is not None), {})
    if isinstance(given, str):
        given = json_of(given) if given.strip() else {}
    if not isinstance(given, Mapping):
        return None
    return value["name"], json.dumps(dict(given), ensure_ascii=False)


def calls_of(values: Any) -> list[Call] | None:
    """The calls of a list of objects, or of one; None if one of them is not a call."""
    listed = values if isinstance(values, list) else [values]
    found = [call_of(value) for value in listed]
    return [call for call in found if call is not None] if listed and None not in found else None


def json_of(text: str) -> Any:
    """The value of a JSON text; None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class CallReader:
    """Separates an answer that arrives in pieces into text to show and calls."""

    def __init__(self, syntax: CallSyntax) -> None:
        self._syntax = syntax
        self._held = ""
        self._inside = False

    def add(self, text: str) -> str:
        """The text that can be shown: nothing from what may be the beginning of a call on."""
        self._held += text
        if self._inside:
            return ""
        mark = self._syntax.mark
        if not mark:  # the whole answer, if it begins like JSON
            begins = self._held.lstrip()[:1]
            self._inside = begins in ("{", "[")
            return "" if self._inside or not begins else self._release(len(self._held))
        place = self._held.find(mark)
        if place >= 0:
            self._inside = True
            return self._release(place)
        keep = next((size for size in range(len(mark) - 1, 0, -1) if self._held.endswith(mark[:size])), 0)
        return self._release(len(self._held) - keep)

    def rest(self) -> tuple[str, list[Call]]:
        """At the end: text that was held back and is not a call, and the calls."""
        held, self._held = self._held, ""
        calls = self._syntax.read(held) if self._inside else None
        return ("", calls) if calls else (held, [])

    def _release(self, size: int) -> str:
        shown, self._held = self._held[:size], self._held[size:]
        return shown
