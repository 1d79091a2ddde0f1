"""Signs of life: a service writes a byte into a pipe as it works, so that its supervisor notices when it hangs.

A process that hangs still exists, so its end says nothing. A pipe needs no file, no clock that both share, and no disk;
it closes with the processes.
"""

from __future__ import annotations

import contextlib
import os
import time

_VARIABLE = "SFT_LIFE_PIPE"  # the number of the pipe's writing end, for the process that the supervisor starts


def is_watched() -> bool:
    """Whether a supervisor waits for signs of life of this process."""
    return _VARIABLE in os.environ


def sign() -> None:
    """Give a sign of life, if a supervisor waits for one. Never blocks, and never fails."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        os.write(int(os.environ[_VARIABLE]), b".")


class Listener:
    """The supervisor's end for one process; `environment` and `writing` go to the process."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        for end in (self._reading, self.writing):
            os.set_blocking(end, False)
        self._heard_at = time.monotonic()

    @property
    def environment(self) -> dict[str, str]:
        return {_VARIABLE: str(self.writing)}

    def started(self) -> None:
        """The process has its own copy of the writing end now."""
        os.close(self.writing)

    def silent_s(self) -> float:
        """How long there has been no sign, by a clock that does not run while the computer sleeps."""
        with contextlib.suppress(BlockingIOError):
            if os.read(self._reading, 1 << 16):
                self._heard_at = time.monotonic()
        return time.monotonic() - self._heard_at

    def close(self) -> None:
        os.close(self._reading)
