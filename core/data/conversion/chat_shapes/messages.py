"""{"messages": [{"role", "content"}]}, as OpenAI and TRL have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.chat_shapes.base import ChatShape, ShapedRow, as_list, as_tools, lowered, without_nulls


def _from_messages(fields: Mapping[str, Any]) -> object:
    lower = lowered(fields)
    messages = without_nulls(as_list(lower.get("messages")))
    if len(lower) == 1:
        return messages
    rejected = without_nulls(as_list(lower.get("rejected")))
    return ShapedRow(messages, as_tools(lower.get("tools")), rejected, lower.get("split"))


MESSAGES_SHAPE = ChatShape(
    "messages", "Chat messages", "OpenAI, TRL: a list of messages, each with a role and content", ("messages",),
    ("tools", "rejected", "split"), _from_messages,
    ("messages",),
)  # fmt: skip
