"""Scans of a complete chunk of JSON lines that a decoder has accepted: which of them need a closer look.

The decoder says that every line is an object with `messages` of `role` and `content`, and nothing else. It does not
say that no key is duplicated, that a line holds one value, or that no text contains special tokens or invisible
characters. The bytes do, for half a megabyte at once.

Keys are counted by their quotes. Inside a JSON string every quote is escaped, so each string has two bare ones, and a
line of n messages has 1 + 4n strings (`messages`; two keys and two values per message), or more where a key
is duplicated, in whatever way it is written. A quote is escaped after an odd number of backslashes.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

import numpy as np

from core.data.examples.texts import code_points, is_invisible, lead_width

Numbers = Any  # a one-dimensional numpy array

_NEWLINE, _QUOTE, _LESS, _BRACKET, _BACKSLASH, _U = b'\n"<[\\u'
_BEGINNING = re.compile(rb'\{[ \t]*"m')
# They may find too much (the beginning of a token), never too little: what they find is checked exactly.
_TOKEN = re.compile(
    rb"<(?:\||\xef\xbd\x9c|(?:\\?/)?s>|<(?:\\?/)?SYS|start_of|end_of_|bos>|eos>|pad>|unk>|mask>|\\u)|"
    rb"\[(?:(?:\\?/)?(?:INST|AVAI|TOOL|SYST)|\\u)"
)


class LineScan:
    """The bytes of valid JSON lines, each with its line end (the last one may lack it).

    Attributes:
        starts, ends: of each line; the line end itself is left out.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bytes = np.frombuffer(data, np.uint8)
        # One search for everything of interest, sorted out afterwards: searching costs more than comparing.
        found, more, distance = _scratch(len(data))
        np.less_equal(self._bytes.view(np.int8), _NEWLINE, out=found)  # line ends, and all that is not ASCII
        found |= np.equal(self._bytes, _LESS, out=more)
        np.subtract(self._bytes, _BRACKET, out=distance)
        found |= np.less_equal(distance, _BACKSLASH - _BRACKET, out=more)
        at = np.flatnonzero(found)
        value = self._bytes[at]
        self.ends = at[value == _NEWLINE]
        if not data.endswith(b"\n"):
            self.ends = np.append(self.ends, len(data))
        self.starts = np.concatenate(([0], self.ends[:-1] + 1))
        self._backslashes = at[value == _BACKSLASH]
        self._quotes = int(np.count_nonzero(np.equal(self._bytes, _QUOTE, out=more)))
        self._openings = at[(value == _LESS) | (value == _BRACKET)]
        self._leads = at[:0] if data.isascii() else at[lead_width()[value] > 0]

    def one_value_each(self, values: int) -> bool:
        """Whether each line is one of so many decoded values.

        No object within a value begins with `{"m`, so as many lines as values that all begin with it are the values.
        """
        beginning = _BEGINNING.match(self._data)
        if beginning is None or len(self.starts) != values:
            return False
        if int(self.starts[-1]) + beginning.end() > len(self._data):
            return False
        return all((self._bytes[self.starts + at] == byte).all() for at, byte in enumerate(beginning.group()))

    def with_keys_twice(self, messages: Numbers) -> list[int]:
        """The lines with a duplicate key.

        Args:
            messages: how many each line has, as integers.
        """
        escaped = self._escaped_quotes()
        if self._quotes - len(escaped) == 2 * len(messages) + 8 * int(messages.sum()):
            return []
        quotes = np.bincount(self._lines_of(np.flatnonzero(self._bytes == _QUOTE)), minlength=len(messages))
        quotes -= np.bincount(self._lines_of(escaped), minlength=len(messages))
        return list(np.flatnonzero(quotes != 2 + 8 * messages).tolist())

    def suspicious(self) -> list[int]:
        """The lines that may contain special tokens, invisible characters, NUL, or escapes of plain characters."""
        found = np.concatenate((self._tokens(), self._escapes(), self._invisible()))
        return list(self._lines_of(found).tolist())

    def longer_than(self, size: int) -> list[int]:
        """The lines of more bytes."""
        return list(np.flatnonzero(self.ends - self.starts > size).tolist())

    def _lines_of(self, positions: Numbers) -> Numbers:
        return np.searchsorted(self.ends, positions)

    def _escaped_quotes(self) -> Numbers:
        """Quotes after an odd number of backslashes. (The first of a run of backslashes is never escaped itself.)"""
        slashes = self._backslashes
        if not len(slashes):
            return slashes
        together = np.diff(slashes) == 1
        if not together.any():
            return slashes[self._bytes[slashes + 1] == _QUOTE] + 1
        first, last = slashes[np.insert(~together, 0, True)], slashes[np.append(~together, True)]
        return last[(self._bytes[last + 1] == _QUOTE) & ((last - first) % 2 == 0)] + 1

    def _tokens(self) -> list[int]:
        likely = self._openings[_second_of_token()[self._bytes[self._openings + 1]]]
        return [at for at in likely.tolist() if _TOKEN.match(self._data, at)]

    def _escapes(self) -> Numbers:
        """Where an escape stands for an invisible character, NUL, or what keys and tokens are made of."""
        at = self._backslashes[self._bytes[self._backslashes + 1] == _U]
        digits = [_hex_value()[self._bytes[at + place]] for place in (2, 3, 4, 5)]
        return at[_odd_when_escaped()[(digits[0] << 12) | (digits[1] << 8) | (digits[2] << 4) | digits[3]]]

    def _invisible(self) -> Numbers:
        """Where a character that is not escaped is invisible."""
        return self._leads[is_invisible()[code_points(self._bytes, self._leads)]]


class _Scratch(threading.local):
    """Memory that is reused between scans: allocating it would cost more than the scans themselves."""

    def __init__(self) -> None:
        self.rows = np.empty((3, 0), np.uint8)


_kept = _Scratch()


def _scratch(size: int) -> tuple[Numbers, Numbers, Numbers]:
    """Two masks and an array of bytes, as long as the data, with arbitrary content."""
    if _kept.rows.shape[1] < size:
        _kept.rows = np.empty((3, size + size // 4), np.uint8)
    first, second, third = _kept.rows[:, :size]
    return first.view(bool), second.view(bool), third


# Tables, built on first use from the patterns that are used elsewhere.


@cache
def _second_of_token() -> Numbers:
    """Whether a byte may follow the first one of a special token."""
    table = np.zeros(256, bool)
    table[list(b"|\xef\\/s<SebpumIAT")] = True
    return table


@cache
def _hex_value() -> Numbers:
    table = np.zeros(256, np.uint16)
    for digit in b"0123456789abcdefABCDEF":
        table[digit] = int(chr(digit), 16)
    return table


@cache
def _odd_when_escaped() -> Numbers:
    table = is_invisible().copy()
    table[[0, ord("/")]] = table[0x30:0x80] = True
    return table
