"""What every chat shape shares: the record, its registry, recognition, and how cells become messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.data.conversion.cells import cell_text
from core.data.quality import structure
from core.messages import Row
from core.registry import Registry

SAMPLE = 50  # rows that recognition looks at


@dataclass(frozen=True, slots=True)
class ShapedRow:
    """What a shape reads from a row, unchecked; quality.structure checks it.

    Attributes:
        messages: chat-format dictionaries.
        tools: OpenAI-shaped schemas of functions.
        rejected: chat-format dictionaries of the rejected answer of a preference pair.
        split: train, validation, test or another of their names; None or blank where the row does not say it.
    """

    messages: object
    tools: object = None
    rejected: object = None
    split: object = None

    def parse(self, *, line: int = 0, source: str = "") -> structure.ParsedExample:
        """The example, or every reason why there is none."""
        return structure.parse(
            self.messages,
            line=line,
            source=source,
            tools=self.tools,
            rejected=self.rejected,
            split=self.split,
        )


@dataclass(frozen=True, slots=True)
class ChatShape:
    """A shape of rows that are examples already.

    Attributes:
        text: where it comes from, for the screen and the docs.
        required: column names, in lower case, that make the shape, in the order to be shown.
        optional: further columns that it uses.
        to_messages: fields -> chat-format dictionaries, or `ShapedRow` where there is more than messages; unchecked.
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

    def shaped(self, fields: Mapping[str, Any]) -> ShapedRow:
        """What it reads from a row."""
        made = self.to_messages(fields)
        return made if isinstance(made, ShapedRow) else ShapedRow(made)

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


def as_tools(value: Any) -> Any:
    """Schemas of functions, or such a list as JSON text, in the shape of OpenAI's; anything else unchanged.

    Source: bare functions and `input_schema` are Anthropic's; a `type` beside the name is OpenAI's Responses API.
    """
    tools = as_list(value)
    return [_as_tool(tool) for tool in without_nulls(tools)] if isinstance(tools, list) else tools


def _as_tool(tool: Any) -> Any:
    if not isinstance(tool, Mapping) or "function" in tool or "name" not in tool:
        return tool
    function = {"parameters" if key == "input_schema" else key: value for key, value in tool.items() if key != "type"}
    return {"type": "function", "function": function}


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
