"""A function for foreign input in a child process with limits on memory and CPU time.

The child is started at the first call and answers one call after the other, so that a call costs a tenth of a
millisecond. Where a call exceeds a limit, the child ends, the caller gets a LimitExceeded, and the next call starts
another. Questions and answers are JSON: nothing that comes from the child can run code here.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from core.errors import StudioError

_MOST: Final = 4  # children of one function at the same time; further callers wait
_BLOCK: Final = 1 << 16
_MEMORY = "memory"  # what a child says that has no more
_REASON = "not_started"
_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from core.platform.limited import _serve; _serve()"
)


class LimitExceeded(StudioError):
    """A call needs more time or memory than its limit, or returns more than its limit. `limit` says which."""

    def __init__(self, limit: str) -> None:
        super().__init__(f"It needs more than {limit}.")
        self.limit = limit

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.limit,)


class NotStarted(StudioError):
    """The child cannot load the function, as after an update of the files under a running studio."""

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"{target} could not be loaded: {reason}.", "If the studio was updated, stop and start it.")
        self.target, self.reason = target, reason

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.target, self.reason)


class Limited:
    """A function that runs under limits.

    Args:
        target: `module:function`, which takes and returns what JSON can write. What it raises ends the child.
        memory_bytes: address space of the child.
        cpu_s: CPU time of one call.
        wall_s: of one call, from when the child begins with it; None: only a hang of the child ends it.
        answer_bytes: of one answer, as JSON.
    """

    def __init__(
        self,
        target: str,
        *,
        memory_bytes: int,
        cpu_s: float,
        wall_s: float | None = None,
        answer_bytes: int = 1 << 28,
    ) -> None:
        self._target, self._memory_bytes, self._cpu_s, self._answer_bytes = target, memory_bytes, cpu_s, answer_bytes
        self._wall_s = wall_s
        self._free: list[_Child] = []
        self._places = threading.BoundedSemaphore(_MOST)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def __call__(self, *arguments: object) -> Any:
        """What the function returns for these arguments.

        Raises:
            LimitExceeded: it needs more than a limit; or its process was killed.
            NotStarted: its process could not load it.
        """
        question = json.dumps(arguments).encode() + b"\n"
        with self._places:
            child = self._free.pop() if self._free else None
            if child is None or not child.lives():
                child = _Child(self._target, self._memory_bytes, self._cpu_s, self._wall_s)
            try:
                answer = child.ask(question, 30 + 20 * self._cpu_s, self._answer_bytes)
            except BaseException:
                child.stop()
                raise
            self._free.append(child)
        return answer

    def _forget(self) -> None:
        """In a fork: its parent goes on using the children, so it needs its own."""
        self._free, self._places = [], threading.BoundedSemaphore(_MOST)


class _Child:
    def __init__(self, target: str, memory_bytes: int, cpu_s: float, wall_s: float | None) -> None:
        paths = json.dumps([path or os.getcwd() for path in sys.path])
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, paths, target, str(memory_bytes), str(cpu_s), str(wall_s or 0)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TZ")},
        )
        self._target, self._memory_bytes, self._cpu_s, self._wall_s = target, memory_bytes, cpu_s, wall_s

    def ask(self, question: bytes, wall_s: float, most: int) -> Any:
        assert self._process.stdin is not None
        view = memoryview(question)
        try:
            while view:
                view = view[self._process.stdin.write(view) :]
        except BrokenPipeError:
            raise self._why() from None
        said = json.loads(self._line(wall_s, most))
        if said == _MEMORY:
            raise self._too_much_memory()
        if isinstance(said, dict):
            raise NotStarted(self._target, said[_REASON])
        return said[0]

    def _line(self, wall_s: float, most: int) -> bytes:
        assert self._process.stdout is not None
        out, blocks, size = self._process.stdout.fileno(), [], 0
        deadline = time.monotonic() + wall_s
        ready = select.poll()
        ready.register(out, select.POLLIN | select.POLLHUP)
        while True:
            if not ready.poll(max(0.0, deadline - time.monotonic()) * 1_000):
                raise LimitExceeded(f"{wall_s:g} seconds")
            block = os.read(out, _BLOCK)
            if not block:
                raise self._why()
            blocks.append(block)
            size += len(block)
            if block.endswith(b"\n"):
                return b"".join(blocks)
            if size > most:
                raise LimitExceeded(f"{most >> 20:,} MB of text")

    def _why(self) -> LimitExceeded:
        """Of a child that ended without an answer."""
        code = self._process.wait()
        if code in (-signal.SIGPROF, -signal.SIGXCPU):
            return LimitExceeded(f"{_in_seconds(self._cpu_s)} of computing")
        if code == -signal.SIGALRM:
            return LimitExceeded(_in_seconds(self._wall_s or 0))
        return self._too_much_memory()  # killed by the system, or a crash of a library that got none

    def _too_much_memory(self) -> LimitExceeded:
        return LimitExceeded(f"{self._memory_bytes >> 20:,} MB of memory")

    def lives(self) -> bool:
        """False where someone ended it between two calls."""
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()


def _in_seconds(seconds: float) -> str:
    """`1 second`, `0.5 seconds`."""
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def _serve() -> None:
    """The child's life: one question per line, one answer per line, until its parent ends."""
    target, memory_bytes, cpu_s, wall_s = sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is not an answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for its parent, which may go on asking
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)  # of whoever started the studio: it can only be lowered
    memory_bytes = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    module, _, name = target.partition(":")
    try:
        function: Callable[..., object] = getattr(importlib.import_module(module), name)
    except Exception as error:
        questions.readline()
        answers.write(json.dumps({_REASON: f"{type(error).__name__}: {error}"}).encode() + b"\n")
        answers.flush()
        return
    for line in questions:
        signal.setitimer(signal.ITIMER_PROF, cpu_s)  # SIGPROF ends the process, whatever it is doing
        signal.setitimer(signal.ITIMER_REAL, wall_s)  # and SIGALRM, where it only waits; 0 sets no timer
        try:
            said = json.dumps([function(*json.loads(line))]).encode()
        except MemoryError:
            said = json.dumps(_MEMORY).encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(said + b"\n")
        answers.flush()
