"""Tool calls as the text of an answer: `name(arguments)`, one a line, the keys of the arguments sorted.

So every metric, list, export and judge reads them like other answers, and two answers have the same calls exactly where
their texts are the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from core.messages import Message
from core.models.tool_calls.base import Call

_LINE: Final = re.compile(r"([^\s()]+)\((.*)\)")


def written(calls: Iterable[Call]) -> str:
    """The text of calls, each a name and its arguments as JSON text."""
    return "\n".join(f"{name}({_canonical(arguments)})" for name, arguments in calls)


def of_message(calls: Iterable[Mapping[str, Any]]) -> str:
    """The text of the OpenAI-shaped calls of a message."""
    functions = (call.get("function") or {} for call in calls)
    return written((str(function.get("name", "")), _text(function.get("arguments"))) for function in functions)


def in_words(message: Message) -> str:
    """A message with its calls as text, for a reader."""
    return "\n".join(filter(None, (message.content, of_message(message.tool_calls))))


def read(text: str) -> list[Call] | None:
    """The calls of a text that `written` wrote, or a person in its way; None if it is anything else."""
    found = [_LINE.fullmatch(line.strip()) for line in text.splitlines() if line.strip()]
    calls = [(one[1], one[2].strip() or "{}") for one in found if one is not None and _is_object(one[2])]
    return calls if calls and len(calls) == len(found) else None


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments.strip() or "{}"), dict)
    except (ValueError, RecursionError):
        return False


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)


def _canonical(arguments: str) -> str:
    """JSON with sorted keys; text that is not JSON as it is. No arguments are an empty object."""
    try:
        return json.dumps(json.loads(arguments.strip() or "{}"), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return arguments
