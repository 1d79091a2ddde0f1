"""A forked process that produces items while this one works; items and errors arrive through a pipe.

The producer runs ahead until its pipe is full, then waits, so memory stays bounded. It ends when this process does.

Large buffers (Arrow, numpy) are written to the pipe and read from it as they are; within a pickle they would be copied
several times on each side, which costs more than making them.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import io
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from core.errors import StudioError

Item = TypeVar("Item")
_LARGE = 1 << 16  # bytes of a buffer that is sent by itself
_PIPE_BYTES = 1 << 20  # what Linux allows everyone


class ProcessLost(StudioError):
    """A process ended before it was done (out of memory, killed)."""


class Finished(Exception):
    """There is nothing more to receive."""


def may_fork() -> bool:
    """Whether a fork is safe: not with other threads, since the fork could wait forever for a lock of one of them."""
    several = (os.cpu_count() or 1) > 1 and hasattr(os, "fork")
    return several and threading.active_count() == 1 and not multiprocessing.current_process().daemon


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Run a block without searches for reference cycles: where it makes many objects without any, they cost a third."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Forked(Generic[Item]):
    """The items of `make()`, produced in a separate process.

    Args:
        make: runs on a copy of the present memory; its changes are not visible here.
        siblings: other forked processes that are running, whose pipes the new one must not hold open.
    """

    def __init__(self, make: Callable[[], Iterable[Item]], siblings: Iterable[Forked[Item]] = ()) -> None:
        context = multiprocessing.get_context("fork")
        self._ours, theirs = context.Pipe(duplex=False)
        _widen(self._ours)
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
            kind, content = _receive(self._ours)
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


def _widen(pipe: Connection) -> None:
    """Let the pipe hold more than its usual 64 KB, for fewer changes between the two processes. Linux only."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # a user may have only so many bytes in pipes
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _serve(pipe: Connection, close: Iterable[Connection], make: Callable[[], Iterable[object]]) -> None:
    for other in close:  # otherwise this process would not notice that the reader ended
        other.close()
    for number in (signal.SIGTERM, signal.SIGINT):  # the inherited handlers belong to the parent
        signal.signal(number, signal.SIG_DFL)
    gc.disable()  # the items have no cycles (see without_collector)
    try:
        for item in make():
            _send(pipe, ("item", item))
        _send(pipe, ("raise", Finished()))
    except BrokenPipeError:
        return
    except Exception as error:
        _send(pipe, ("raise", error))
    finally:
        pipe.close()


def _send(pipe: Connection, content: object) -> None:
    large: list[memoryview] = []

    def stays_inside(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < _LARGE:
            return True
        large.append(view)
        return False

    head = pickle.dumps(content, protocol=5, buffer_callback=stays_inside)
    pipe.send_bytes(pickle.dumps((head, [view.nbytes for view in large])))
    for view in large:
        while view:
            view = view[os.write(pipe.fileno(), view) :]


def _receive(pipe: Connection) -> tuple[str, Any]:
    """Raises EOFError: the other end was closed."""
    head, sizes = pickle.loads(pipe.recv_bytes())  # noqa: S301  # from a process of our own
    stream = io.FileIO(pipe.fileno(), closefd=False) if sizes else None
    large: list[bytearray] = []
    for size in sizes:
        large.append(bytearray(size))
        view = memoryview(large[-1])
        while view:
            read = stream.readinto(view) if stream else 0
            if not read:
                raise EOFError
            view = view[read:]
    found: tuple[str, Any] = pickle.loads(head, buffers=large)  # noqa: S301
    return found
