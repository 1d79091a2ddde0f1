"""{"instruction", "input", "output"}, with a system message and a history, as Alpaca and LLaMA-Factory have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes.base import ChatShape, ShapedRow
from core.data.conversion.chat_shapes.messages import SYSTEM, TOOLS
from core.data.conversion.chat_shapes.pairs import history_of
from core.data.conversion.chat_shapes.reading.tools import tools_of
from core.data.conversion.chat_shapes.reading.turns import text_of
from core.data.conversion.chat_shapes.reading.values import first_of, lowered, pair


def _from_alpaca(fields: Mapping[str, Any]) -> object:
    lower = lowered(fields)
    system, tools = first_of(lower, SYSTEM), first_of(lower, TOOLS)
    lead = [] if system is None else [{"role": "system", "content": text_of(system)}]
    # Source: LLaMA-Factory joins instruction and input with a line break.
    asked = [lower.get("instruction"), lower.get("input")]
    user = "\n".join(cell_text(part) for part in asked if not is_empty(part))
    output = lower.get("output", lower.get("response"))
    messages = [*lead, *history_of(lower.get("history")), *pair(user, output)]
    return messages if tools is None else ShapedRow(messages, tools_of(tools))


def _shape(shape_id: str, title: str, output: str, *optional: str) -> ChatShape:
    return ChatShape(
        shape_id, title, "Alpaca, LLaMA-Factory", ("instruction", output), optional, _from_alpaca, concatenates=True
    )


_OPTIONAL = ("input", "system", "history", "tools")
ALPACA_SHAPE = _shape("alpaca", "Alpaca instructions", "output", *_OPTIONAL)
ALPACA_RESPONSE_SHAPE = _shape("alpaca_response", "Instructions and responses", "response", *_OPTIONAL)
