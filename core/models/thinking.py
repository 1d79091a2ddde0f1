"""The thinking of a reasoning model: a block `<think> ... </think>` in front of its answer.

A model that was asked to answer at once still writes an empty block. It is not part of the answer: chat, samples and
evaluation leave it out.
"""

from __future__ import annotations

import re
from typing import Final

OPEN, CLOSE = "<think>", "</think>"
_EMPTY: Final = re.compile(rf"\s*+(?:{OPEN}\s*+)?{CLOSE}\s*+")  # a template may write the opening itself


class EmptyBlockFilter:
    """Removes an empty thinking block from the beginning of a streamed answer, holding back no more than is needed."""

    def __init__(self) -> None:
        self._held: str | None = ""  # None once the answer itself has started

    def add(self, text: str) -> str:
        """What can be shown, now that `text` came."""
        if self._held is None:
            return text
        self._held += text
        block = _EMPTY.match(self._held)
        if block.end() == len(self._held) if block else _may_become_one(self._held):
            return ""
        shown = self._held[block.end() :] if block else self._held
        self._held = None
        return shown

    def rest(self) -> str:
        """What was held back, at the end of the answer."""
        held, self._held = self._held or "", None
        return "" if _EMPTY.fullmatch(held) else held


def without_empty_block(text: str) -> str:
    """An answer without an empty thinking block."""
    block = _EMPTY.match(text)
    return text[block.end() :] if block else text


def without_thinking(text: str) -> str:
    """The answer alone: without its thinking, also where that was cut off before its end."""
    before, closed, after = text.partition(CLOSE)
    opened = before.lstrip().startswith(OPEN)
    if closed and (opened or OPEN not in before):
        return after
    return "" if opened else text


def matches(answer: str, expected: str) -> bool:
    """Whether an answer is exactly the expected text, apart from whitespace around it and its thinking."""
    return without_thinking(answer).strip() == without_thinking(expected).strip()


def _may_become_one(text: str) -> bool:
    """Whether the text is the beginning of an empty block."""
    text = text.lstrip()
    if OPEN.startswith(text) or CLOSE.startswith(text):
        return True
    return text.startswith(OPEN) and CLOSE.startswith(text.removeprefix(OPEN).lstrip())
