"""`<|call|>{"name": …, "arguments": {…}}`: the studio's starter."""

from __future__ import annotations

from typing import Final

from core.models.tool_calls.base import Call, CallSyntax, calls_of, json_of

_MARK: Final = "<|call|>"
_GPT_OSS: Final = "<|channel|>"  # its calls end with the same mark


def _read(text: str) -> list[Call] | None:
    return calls_of([json_of(part) for part in text.split(_MARK) if part.strip()])


STARTER = CallSyntax("starter", _MARK, lambda template: _MARK in template and _GPT_OSS not in template, _read)
