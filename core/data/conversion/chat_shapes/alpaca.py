"""{"instruction", "input", "output"}, with a system message and a history, as Alpaca and LLaMA-Factory have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes.base import ChatShape, as_list, lowered, pair


def _from_alpaca(fields: Mapping[str, Any]) -> object:
    lower = lowered(fields)
    messages: list[dict[str, Any]] = []
    if not is_empty(lower.get("system")):
        messages.append({"role": "system", "content": cell_text(lower["system"])})
    history = as_list(lower.get("history"))
    for past in history if isinstance(history, list) else ():
        if isinstance(past, list) and len(past) == 2:
            messages += pair(past[0], past[1])
    # Source: LLaMA-Factory joins instruction and input with a line break.
    asked = [lower.get("instruction"), lower.get("input")]
    user = "\n".join(cell_text(part) for part in asked if not is_empty(part))
    output = lower.get("output", lower.get("response"))
    return [*messages, *pair(user, output)]


def _shape(shape_id: str, title: str, output: str, *optional: str) -> ChatShape:
    return ChatShape(shape_id, title, "Alpaca, LLaMA-Factory", ("instruction", output), optional, _from_alpaca)


ALPACA_SHAPE = _shape("alpaca", "Alpaca instructions", "output", "input", "system", "history")
ALPACA_RESPONSE_SHAPE = _shape("alpaca_response", "Instructions and responses", "response", "input", "system")
