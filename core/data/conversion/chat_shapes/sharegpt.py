"""{"conversations": [{"from", "value"}]}, as FastChat and FineTome have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.cells import cell_text, is_empty
from core.data.conversion.chat_shapes.base import ChatShape, as_list, lowered

# Source: the `from` names of FastChat, LLaMA-Factory, Axolotl and the FineTome and SlimOrca data sets.
_SPEAKERS = {
    "human": "user", "user": "user", "gpt": "assistant", "chatgpt": "assistant", "assistant": "assistant",
    "model": "assistant", "bot": "assistant", "bing": "assistant", "bard": "assistant", "system": "system",
    "tool": "tool", "function_response": "tool", "observation": "tool",
}  # fmt: skip


def _from_sharegpt(fields: Mapping[str, Any]) -> object:
    lower = lowered(fields)
    turns = as_list(lower.get("conversations", lower.get("conversation")))
    if not isinstance(turns, list):
        return turns
    messages: list[Any] = []
    if not is_empty(lower.get("system")):
        messages.append({"role": "system", "content": cell_text(lower["system"])})
    for turn in turns:
        if not isinstance(turn, Mapping):
            return turns
        speaker = turn.get("from", turn.get("role"))
        name = speaker.strip().lower() if isinstance(speaker, str) else speaker
        message = {"role": _SPEAKERS.get(name, speaker) if isinstance(name, str) else speaker}
        message["content"] = turn.get("value", turn.get("content"))
        if turn.get("weight") is not None:
            message["weight"] = turn["weight"]
        messages.append(message)
    return messages


def _shape(shape_id: str, title: str, column: str) -> ChatShape:
    text = "ShareGPT: a list of from/value objects"
    return ChatShape(shape_id, title, text, (column,), ("system",), _from_sharegpt, (column,))


SHAREGPT_SHAPE = _shape("sharegpt", "ShareGPT conversations", "conversations")
SHAREGPT_SINGLE_SHAPE = _shape("sharegpt_single", "ShareGPT conversation", "conversation")
