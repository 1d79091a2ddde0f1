"""Tool schemas and tool calls of every provider, as OpenAI writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.data.conversion.cells import cell_text
from core.data.conversion.chat_shapes.reading.values import as_list, as_object

# Python's names of types, as xlam-function-calling-60k writes them ("str, optional").
_JSON_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "set": "array",
    "tuple": "array",
}


def tools_of(value: Any) -> Any:
    """Tool schemas as [{"type": "function", "function": {...}}]; anything that is not a list of tools unchanged.

    Sources: OpenAI (tools, functions), Anthropic (input_schema), Gemini (functionDeclarations), Bedrock (toolSpec),
    xlam-function-calling-60k (parameters without a schema around them).
    """
    listed = as_list(as_object(value))
    if isinstance(listed, Mapping):
        listed = listed.get("tools", listed.get("functions", listed))
    if listed is None or listed == "":
        return None
    if not isinstance(listed, list):
        return value
    found: list[Any] = []
    for item in map(as_object, listed):
        found += _schemas(item)
    return found or None


def _schemas(item: Any) -> Iterator[Any]:
    if not isinstance(item, Mapping):
        yield item
        return
    several = item.get("functionDeclarations") or item.get("function_declarations")
    if isinstance(several, list):
        for one in several:
            yield from _schemas(one)
        return
    if _is_plain(item):
        yield dict(item)
        return
    inner = item.get("function") or item.get("toolSpec") or item
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
        yield item
        return
    function = {key: inner[key] for key in ("name", "description") if inner.get(key) is not None}
    function["parameters"] = _parameters(inner)
    function |= {key: inner[key] for key in ("strict", "returns", "response") if inner.get(key) is not None}
    yield {"type": "function", "function": function}


def _is_plain(item: Mapping[str, Any]) -> bool:
    """Whether a tool is as OpenAI writes it; its keys then remain in their order, which a chat template shows."""
    function = item.get("function")
    if item.get("type") != "function" or not isinstance(function, Mapping) or None in function.values():
        return False
    parameters = function.get("parameters", {})
    schema = isinstance(parameters, Mapping) and (
        not parameters or "properties" in parameters or "$ref" in parameters or isinstance(parameters.get("type"), str)
    )
    return schema and isinstance(function.get("name"), str) and "input_schema" not in function


def _parameters(function: Mapping[str, Any]) -> Any:
    given = function.get("parameters", function.get("input_schema", function.get("inputSchema")))
    given = as_object(given)
    if isinstance(given, Mapping) and isinstance(given.get("json"), Mapping):  # Bedrock
        given = given["json"]
    if given is None or given == {}:
        return {"type": "object", "properties": {}}
    if not isinstance(given, Mapping):
        return given  # the check reports it
    if "properties" in given or isinstance(given.get("type"), str) or "$ref" in given:
        return given
    if not all(isinstance(about, Mapping) for about in given.values()):
        return given
    properties, required = {}, []
    for name, about in given.items():
        words = [word.strip() for word in str(about.get("type", "")).split(",")]
        properties[name] = {**about, **({"type": _JSON_TYPES.get(words[0], words[0])} if words[0] else {})}
        if "optional" not in words and about.get("default") in (None, ""):
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


class Calls:
    """The calls of one conversation: gives ids to those without one, and finds the call that a result answers."""

    def __init__(self) -> None:
        self._made = 0
        self._waiting: list[tuple[str, str]] = []  # id, name

    def call(self, raw: Any) -> Any:
        """A call in OpenAI's form; what is not a call unchanged, so that the check reports it."""
        raw = as_object(raw)
        if not isinstance(raw, Mapping):
            return raw
        inner = as_object(raw.get("function", raw.get("toolUse", raw)))
        if not isinstance(inner, Mapping) or not isinstance(inner.get("name", inner.get("tool_name")), str):
            return raw
        name = inner.get("name", inner.get("tool_name"))
        given: Any = next((inner[key] for key in ("arguments", "args", "input", "parameters") if key in inner), {})
        known = raw.get("id") or inner.get("id") or inner.get("toolUseId")
        self._made += 1
        call_id = known if isinstance(known, str) else f"call_{self._made}"
        self._waiting.append((call_id, name))
        arguments = given if isinstance(given, str) else cell_text({} if given is None else given)
        return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}

    def calls(self, raw: Any) -> Any:
        """Several calls: a list, or one; also as JSON text."""
        listed = as_list(as_object(raw))
        if isinstance(listed, Mapping):
            listed = [listed]
        return [self.call(item) for item in listed] if isinstance(listed, list) else raw

    def result(self, content: Any, call_id: Any = None, name: Any = None) -> dict[str, Any]:
        """A tool message; without an id it answers the first open call of that name, else the first open call."""
        if not isinstance(call_id, str):
            named = [one for one in self._waiting if one[1] == name]
            call_id = next((one[0] for one in (*named, *self._waiting)), None)
        self._waiting = [one for one in self._waiting if one[0] != call_id]
        text = content if isinstance(content, str) else cell_text(content)
        return {"role": "tool", "content": text, **({"tool_call_id": call_id} if call_id is not None else {})}


def parsed_json(text: str) -> Any:
    """The JSON object or list of a text, also as Python writes it; None if it is neither."""
    stripped = text.strip()
    try:
        return json.loads(stripped)
    except (ValueError, RecursionError):
        read = as_list(as_object(stripped))
        return None if isinstance(read, str) else read
