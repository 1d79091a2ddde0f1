"""`<tool_call>{"name": …, "arguments": {…}}</tool_call>`: Qwen, Hermes, SmolLM3, Granite and others."""

from __future__ import annotations

from typing import Final

from core.models.tool_calls.base import Call, CallSyntax, calls_of, json_of

_TAG: Final = "<tool_call>"
_END: Final = "</tool_call>"
_NOT_JSON: Final = ("<arg_key>", "<function=")  # GLM and Qwen3-Coder put other things between the same tags


def _used_by(template: str) -> bool:
    return _TAG in template and not any(other in template for other in _NOT_JSON)


def _read(text: str) -> list[Call] | None:
    return calls_of([json_of(part.partition(_END)[0]) for part in text.split(_TAG)[1:]])


TAGGED = CallSyntax("tagged", _TAG, _used_by, _read)
