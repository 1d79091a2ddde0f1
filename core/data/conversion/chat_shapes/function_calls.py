"""Function-calling rows: a query, the tools, and the calls that answer it (xLAM, ToolBench and their like)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.chat_shapes.base import ChatShape
from core.data.conversion.chat_shapes.messages import SYSTEM
from core.data.conversion.chat_shapes.reading.tools import tools_of
from core.data.conversion.chat_shapes.reading.turns import Chat
from core.data.conversion.chat_shapes.reading.values import as_list, as_object, first_of, lowered

_QUERIES = ("query", "question", "instruction", "prompt", "input", "user")
_CALLS = ("answers", "answer", "function_calls", "tool_calls", "calls", "function_call", "output", "response")


def _called(value: Any) -> list[Any] | None:
    """The calls of a cell, or None if it does not consist of calls."""
    given = as_list(as_object(value))
    listed = [given] if isinstance(given, Mapping) else given
    if not isinstance(listed, list) or not listed:
        return None
    return listed if all(isinstance(item, Mapping) and _is_call(item) for item in listed) else None


def _is_call(item: Mapping[str, Any]) -> bool:
    inner = item.get("function", item)
    named = isinstance(inner, Mapping) and isinstance(inner.get("name"), str)
    return named and any(key in inner for key in ("arguments", "args", "parameters"))


def _is_function_call(lower: Mapping[str, Any]) -> bool:
    asked = first_of(lower, _QUERIES)
    return isinstance(asked, str) and any(_called(lower.get(name)) for name in _CALLS)


def _from_calls(fields: Mapping[str, Any]) -> object:
    lower = lowered(fields)
    chat = Chat()
    system = first_of(lower, SYSTEM)
    if system is not None:
        chat.system(system)
    chat.add({"role": "user", "content": first_of(lower, _QUERIES)})
    name = next((name for name in _CALLS if _called(lower.get(name))), "answers")
    chat.add({"role": "function_call", "content": _called(lower.get(name)) or lower.get(name)})
    return chat.shaped(tools_of(first_of(lower, ("tools", "functions"))))


# Source: Salesforce/xlam-function-calling-60k
FUNCTION_CALLS_SHAPE = ChatShape(
    "function_calls",
    "Function calls",
    "xLAM: a query, tools, and the calls that answer it",
    ("tools",),
    ("query", "answers", "system"),
    _from_calls,
    also=_is_function_call,
)
