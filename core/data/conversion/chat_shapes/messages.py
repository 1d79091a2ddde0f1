"""{"messages": [{"role", "content"}]}, as OpenAI and TRL have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.chat_shapes.base import ChatShape, as_list, lowered, without_nulls


def _from_messages(fields: Mapping[str, Any]) -> object:
    return without_nulls(as_list(lowered(fields).get("messages")))


MESSAGES_SHAPE = ChatShape(
    "messages", "Chat messages", "OpenAI, TRL: a list of messages, each with a role and content", ("messages",), (),
    _from_messages,
    ("messages",),
)  # fmt: skip
