"""What the engines of this process did in the last seconds, counted where it happens; for the health page."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psutil

WINDOW_S: Final = 10


class LiveFigures:
    """Counts tokens and answers; any thread writes and reads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._seconds: deque[tuple[int, int]] = deque(maxlen=WINDOW_S + 1)  # with a token, and how many, oldest first
        self._answers = self._generations = self._measured = 0
        self._last: float | None = None

    def tokens(self, count: int) -> None:
        """Note tokens that were just generated."""
        with self._lock:
            self._last = self._clock()
            second, before = int(self._last), 0
            if self._seconds and self._seconds[-1][0] == second:
                before = self._seconds.pop()[1]
            self._seconds.append((second, before + count))

    def generation(self) -> None:
        """Note an answer that was started."""
        with self._lock:
            self._generations += 1

    def measured(self, count: int) -> None:
        """Note outputs whose likelihood was computed."""
        with self._lock:
            self._measured += count

    def answer(self) -> None:
        """Note an answer that was completed."""
        with self._lock:
            self._answers += 1

    def snapshot(self) -> dict[str, Any]:
        """The figures now.

        Returns:
            generations, answered: answers that were started, and those completed, since the process began.
            measured: outputs whose likelihood was computed. idle_s: since the last token; None before the first.
            tokens_per_s: of the last seconds in which there were tokens; the current second only where it is the first.
        """
        with self._lock:
            now = self._clock()
            recent = [one for one in self._seconds if one[0] >= int(now) - WINDOW_S]
            complete = [one for one in recent if one[0] < int(now)] or recent
            idle_s = None if self._last is None else now - self._last
            return {
                "generations": self._generations,
                "answered": self._answers,
                "measured": self._measured,
                "idle_s": idle_s,
                "tokens_per_s": sum(count for _, count in complete) / len(complete) if complete else 0.0,
            }


def memory_bytes() -> int:
    """The memory of this process and its children, such as those of llama.cpp."""
    own, total = psutil.Process(), 0
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.Error):
            total += int(process.memory_info().rss)
    return total
