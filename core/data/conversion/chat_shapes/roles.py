"""One column for each role: {"system", "user", "assistant"}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.conversion.cells import is_empty
from core.data.conversion.chat_shapes.base import ChatShape
from core.data.conversion.chat_shapes.reading.values import lowered, plain_content


def _from_roles(fields: Mapping[str, Any]) -> object:
    lower = lowered(fields)
    return [
        {"role": role, "content": plain_content(lower.get(role))}
        for role in ("system", "user", "assistant")
        if role != "system" or not is_empty(lower.get("system"))
    ]


ROLES_SHAPE = ChatShape(
    "roles", "Role columns", "one column per role", ("user", "assistant"), ("system",), _from_roles, concatenates=True
)
