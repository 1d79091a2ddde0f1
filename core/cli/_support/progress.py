"""The progress of a task on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Final

from core.cli._support.boundary import say

BAR_CELLS: Final = 24
LINE_EVERY_S: Final = 5.0  # between two plain lines of the same phase


class Progress:
    """Shows each change of one task."""

    def __init__(self) -> None:
        self._on_terminal = sys.stderr.isatty()
        self._shown = self._phase = ""
        self._shown_at = 0.0

    def show(self, text: str, *, percent: float = 0.0, phase: str = "", last: bool = False) -> None:
        """Draw the bar again, or print a line if the phase is another one or the last line is some seconds old.

        Args:
            phase: what the task does at the moment, without counts.
            last: nothing follows.
        """
        line = f"{bar(percent)} {percent:3.0f}%  {text}" if self._on_terminal else f"{percent:3.0f}%  {text}"
        if line == self._shown and not last:
            return
        if self._on_terminal:
            width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be drawn again
            print(f"\r\x1b[2K{line[:width]}", end="\n" if last else "", file=sys.stderr, flush=True)
        elif last or phase != self._phase or time.monotonic() - self._shown_at >= LINE_EVERY_S:
            if line != self._shown:
                say(line)
            self._shown_at = time.monotonic()
        else:
            return
        self._shown, self._phase = line, phase


def bar(percent: float) -> str:
    """A bar of `BAR_CELLS` characters."""
    filled = round(BAR_CELLS * min(max(percent, 0.0), 100.0) / 100)
    return "█" * filled + "░" * (BAR_CELLS - filled)
