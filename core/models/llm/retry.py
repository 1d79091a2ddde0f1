"""Asking again: with growing pauses, as long as the endpoint asks to wait, and never for what asking cannot mend."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from core.models.llm.base import Ask, Client, Completion
from core.models.llm.failures import LlmError

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
MOST_WAIT_S: Final = 300.0  # an endpoint that asks for longer is waited for no longer than this

Wait = Callable[[float], bool]  # waits so many seconds; True when the work was told to stop meanwhile

Beat = Callable[[], None]


def _nothing() -> None:
    return


@dataclass
class Patience:
    """How often and how long to try; shared by all threads that ask the same endpoint.

    Args:
        attempts: calls per question at most.
        wait: the way to wait; returns True when the work is to stop.
        most_wait_s: cap of a single pause.
    """

    attempts: int = 6
    wait: Wait = field(default_factory=lambda: threading.Event().wait)
    most_wait_s: float = MOST_WAIT_S
    _free_at: float = 0.0  # monotonic: no thread asks before; set by an endpoint that is over its rate
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def held_s(self) -> float:
        """How long the endpoint still asks everybody to wait; 0 where it does not."""
        return max(self._free_at - time.monotonic(), 0.0)

    def hold(self, beat: Beat = _nothing) -> None:
        """Wait until the endpoint may be asked. Raises LlmError (cause stopped)."""
        while (left := self.held_s) > 0:
            beat()
            if self.wait(left):
                raise stopped()

    def pause(self, attempt: int, error: LlmError) -> None:
        """Wait after a failed attempt (1-based). Raises LlmError (cause stopped)."""
        growing = min(FIRST_PAUSE_S * 2 ** (attempt - 1), LONGEST_PAUSE_S)
        pause_s = growing * random.uniform(0.5, 1.0)  # noqa: S311  so that the threads do not come back together
        if error.retry_after_s is not None:
            pause_s = max(min(error.retry_after_s, self.most_wait_s), 0.0)
            with self._lock:  # it speaks to everybody who asks there
                self._free_at = max(self._free_at, time.monotonic() + pause_s)
        if self.wait(pause_s):
            raise stopped()

    def ask(self, client: Client, ask: Ask, beat: Beat = _nothing) -> tuple[Completion, int]:
        """The answer and how many calls it took.

        Args:
            beat: called before each call and each wait: a sign of life.

        Raises:
            LlmError: the last failure; its `attempts` says how many calls were made.
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
    return LlmError("The work was told to stop before the endpoint answered.", cause="stopped")
