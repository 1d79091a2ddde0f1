"""A forked process that produces items while this one works; items and errors arrive through a pipe.

The producer runs ahead until its pipe is full, then waits, so memory stays bounded. It ends when this process does.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from core.errors import StudioError

Item = TypeVar("Item")


class ProcessLost(StudioError):
    """A process ended before it was done (out of memory, killed)."""


class Finished(Exception):
    """There is nothing more to receive."""


def may_fork() -> bool:
    """Whether a fork is safe: not with other threads, since the fork could wait forever for a lock of one of them."""
    several = (os.cpu_count() or 1) > 1 and hasattr(os, "fork")
    return several and threading.active_count() == 1 and not multiprocessing.current_process().daemon


class Forked(Generic[Item]):
    """The items of `make()`, produced in a separate process.

    Args:
        make: runs on a copy of the present memory; its changes are not visible here.
        siblings: other forked processes that are running, whose pipes the new one must not hold open.
    """

    def __init__(self, make: Callable[[], Iterable[Item]], siblings: Iterable[Forked[Item]] = ()) -> None:
        context = multiprocessing.get_context("fork")
        self._ours, theirs = context.Pipe(duplex=False)
        close = [self._ours, *(other._ours for other in siblings)]
        self._process = context.Process(target=_serve, args=(theirs, close, make), daemon=True)
        self._process.start()
        theirs.close()

    def receive(self) -> Item:
        """The next item.

        Raises:
            Finished: there are no more. ProcessLost: the process was killed. Any error of `make`.
        """
        try:
            kind, content = self._ours.recv()
        except EOFError as error:
            text = "A helper process ended before it was done."
            raise ProcessLost(text, "Try again; close other programs that use much memory.") from error
        if kind == "item":
            item: Item = content
            return item
        raise content

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._ours.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, close: Iterable[Connection], make: Callable[[], Iterable[object]]) -> None:
    for other in close:  # otherwise this process would not notice that the reader ended
        other.close()
    for number in (signal.SIGTERM, signal.SIGINT):  # the inherited handlers belong to the parent
        signal.signal(number, signal.SIG_DFL)
    gc.disable()  # the items have no cycles; the collector would cost a third of the time
    try:
        for item in make():
            pipe.send(("item", item))
        pipe.send(("raise", Finished()))
    except BrokenPipeError:
        return
    except Exception as error:
        pipe.send(("raise", error))
    finally:
        pipe.close()
