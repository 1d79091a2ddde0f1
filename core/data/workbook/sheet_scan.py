"""What a stretch of a sheet's XML has, counted without parsing: elements and columns.

It takes no memory, so that a workbook made to fill it is refused before a parser sees it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_AFTER = np.isin(np.arange(256), list(b" >/\t\r\n"))  # what follows an element's name


class SheetScan:
    """One stretch of XML, which ends with the end of a tag."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._bytes: Any = np.frombuffer(text + b"\0" * 8, np.uint8)
        before = (self._bytes[:-8] == ord("<")) | (self._bytes[:-8] == ord(":"))  # a namespace may have a prefix
        self._names = np.flatnonzero(before) + 1

    def elements(self, name: bytes) -> int:
        """How many elements of this name begin here, with or without a prefix."""
        at = self._names
        for letter in name:
            at = at[self._bytes[at] == letter] + 1
        prefixed = b":" + name + b">" in self._text  # then a closing tag looks like an opening one
        return int(np.count_nonzero(_AFTER[self._bytes[at]])) // (2 if prefixed else 1)

    def columns(self) -> set[bytes]:
        """The columns of two and three letters that cells name."""
        values = self._bytes
        at = np.flatnonzero(values[:-8] == ord('"')) + 1
        at = at[(at > 3) & _is_letter(values[at]) & _is_letter(values[at + 1])]
        at = at[(values[at - 2] == ord("=")) & (values[at - 3] == ord("r"))]
        names = np.unique(np.stack([values[at], values[at + 1], values[at + 2]], axis=1), axis=0) if len(at) else ()
        return {bytes(letters).rstrip(b"0123456789") for letters in names}


def _is_letter(values: Any) -> Any:
    return (values >= ord("A")) & (values <= ord("Z"))


def column_number(column: bytes) -> int:
    """`A` is 1, `AA` is 27."""
    number = 0
    for letter in column:
        number = 26 * number + letter - 64
    return number
