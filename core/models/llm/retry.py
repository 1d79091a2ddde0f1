"""Retries: with growing pauses, respecting Retry-After, and never for failures that a retry cannot fix."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from core.models.llm.base import Ask, Client, Completion
from core.models.llm.failures import LlmError

FIRST_RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 30.0
MOST_WAIT_S: Final = 300.0  # the longest wait, whatever the endpoint requests

Wait = Callable[[float], bool]  # waits so many seconds; True if the work is to stop

Beat = Callable[[], None]


def _nothing() -> None:
    return


@dataclass
class Patience:
    """How often and how long to retry; shared by all threads that call the same endpoint.

    Args:
        attempts: the maximum number of calls per question.
        wait: waits; returns True if the work is to stop.
        most_wait_s: the longest single pause.
    """

    attempts: int = 6
    wait: Wait = field(default_factory=lambda: threading.Event().wait)
    most_wait_s: float = MOST_WAIT_S
    _free_at: float = 0.0  # monotonic: no thread calls before; set by a rate limit
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def held_s(self) -> float:
        """Seconds until the endpoint may be called again; 0 if now."""
        return max(self._free_at - time.monotonic(), 0.0)

    def hold(self, beat: Beat = _nothing) -> None:
        """Wait until the endpoint may be called. Raises LlmError (cause stopped)."""
        while (left := self.held_s) > 0:
            beat()
            if self.wait(left):
                raise stopped()

    def pause(self, attempt: int, error: LlmError) -> None:
        """Wait after a failed attempt (1-based). Raises LlmError (cause stopped)."""
        growing = min(FIRST_RETRY_S * 2 ** (attempt - 1), LONGEST_RETRY_S)
        pause_s = growing * random.uniform(0.5, 1.0)  # noqa: S311  so that the threads do not retry at once
        if error.retry_after_s is not None:
            pause_s = max(min(error.retry_after_s, self.most_wait_s), 0.0)
            with self._lock:  # it applies to every caller
                self._free_at = max(self._free_at, time.monotonic() + pause_s)
        if self.wait(pause_s):
            raise stopped()

    def ask(self, client: Client, ask: Ask, beat: Beat = _nothing) -> tuple[Completion, int]:
        """The completion and the number of calls it took.

        Args:
            beat: called before each call and each wait, as a sign of life.

        Raises:
            LlmError: the last failure; `attempts` is the number of calls.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                self.hold(beat)
                beat()
                return client.ask(ask), attempt
            except LlmError as error:
                if not error.retryable or attempt >= self.attempts:
                    error.attempts = attempt
                    raise
                beat()
                self.pause(attempt, error)


def stopped() -> LlmError:
    return LlmError("The work was stopped before the endpoint answered.", cause="stopped")
