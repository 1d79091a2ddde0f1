"""`[TOOL_CALLS] [{"name": …, "arguments": {…}}]`, or from 2025 on `[TOOL_CALLS]name[ARGS]{…}`: Mistral."""

from __future__ import annotations

import json
import re
from typing import Final

from core.models.tool_calls.base import Call, CallSyntax, calls_of, json_of

_MARK: Final = "[TOOL_CALLS]"
_NAMED: Final = re.compile(r"\s*([\w.-]+)\s*(?:\[CALL_ID\]\w+\s*)?\[ARGS\]\s*")


def _read(text: str) -> list[Call] | None:
    parts = [part for part in text.split(_MARK) if part.strip()]
    calls: list[Call] = []
    for part in parts:
        named = _NAMED.match(part)
        found = _named(named[1], part[named.end() :]) if named else calls_of(json_of(part))
        if not found:
            return None
        calls += found
    return calls


def _named(name: str, arguments: str) -> list[Call] | None:
    given = json_of(arguments)
    return [(name, json.dumps(given, ensure_ascii=False))] if isinstance(given, dict) else None


MISTRAL = CallSyntax("mistral", _MARK, lambda template: _MARK in template, _read)
