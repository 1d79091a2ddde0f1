"""Texts in a temporary file."""

from __future__ import annotations

import mmap
import tempfile
from array import array
from typing import IO


class TextFile:
    """Texts in a temporary file, read on request: a million of them take no memory."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as this object
        self._ends = array("Q", (0,))
        self._map: mmap.mmap | None = None

    def append(self, text: str) -> None:
        raw = text.encode("utf-8", "surrogatepass")
        self._file.write(raw)
        self._ends.append(self._ends[-1] + len(raw))
        self._map = None

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self._ends[-1] == 0:
            return ""
        if self._map is None:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map[self._ends[index] : self._ends[index + 1]].decode("utf-8", "surrogatepass")
