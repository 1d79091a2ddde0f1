"""The texts of an example beside the contents of its messages: what a model reads or writes there too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.messages import Example


def texts(example: Example) -> Iterator[tuple[str, str]]:
    """(where, text) of the arguments of tool calls, the rejected answer, and the descriptions of tools."""
    for message in (*example.messages, *example.rejected):
        for call in message.tool_calls:
            yield from _of_call(call)
    for message in example.rejected:
        if message.content:
            yield "the rejected answer", message.content
    for tool in example.tools:
        yield from ((f"the tool {_name(tool)}", text) for text in _descriptions(tool))


def _of_call(call: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    function = call.get("function")
    if not isinstance(function, Mapping) or not isinstance(function.get("arguments"), str):
        return
    try:
        arguments = json.loads(function["arguments"])
    except (ValueError, RecursionError):
        return
    yield from ((f"the call of {_name(call)}", text) for text in _strings(arguments))


def _name(of: Mapping[str, Any]) -> str:
    function = of.get("function")
    return str(function.get("name") or "a function")[:60] if isinstance(function, Mapping) else "a function"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _descriptions(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _descriptions(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key == "description" and isinstance(item, str):
                yield item
            else:
                yield from _descriptions(item)
