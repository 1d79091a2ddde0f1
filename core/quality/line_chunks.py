"""A file of lines in chunks that end at line ends, looked at by two processes at once, in bounded memory.

Chunk k holds the lines that begin in bytes [k * SIZE, (k + 1) * SIZE): each process finds its own, without reading
what belongs to another. Process i takes the chunks i, i + n, i + 2n, ...; the results come back in the order of the
file, and a process that runs ahead waits until its pipe is read.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from core.formats.base import MAX_RECORD

SIZE = 1 << 19  # bytes; what is being looked at stays in the processor's cache
PROCESSES = 2
_WORTH_FORKING = 8 << 20  # bytes; a smaller file is done before a process has started
_TAIL = 1 << 16  # bytes read beyond a chunk at first, to find the end of its last line

Result = TypeVar("Result")


class LongLine(Exception):
    """A line is longer than the studio keeps: the file has to be read another way."""


class ProcessLost(Exception):
    """A process ended without its results (out of memory, killed)."""


def read_chunk(descriptor: int, number: int, start: int = 0, size: int = SIZE) -> tuple[bytes, int]:
    """The lines that begin in a chunk, each with its line end (b"" where none does), and the byte they begin at.

    Args:
        start: bytes at the beginning of the file that belong to no line (a byte order mark).

    Raises:
        LongLine: a line is longer than MAX_RECORD bytes.
    """
    first = start + number * size
    before = first - 1 if number else first  # the byte before tells whether a line begins at `first`
    data = os.pread(descriptor, size + _TAIL, before)
    begin = 0
    if number:
        begin = data.find(b"\n", 0, first + size - before - 1) + 1
        if begin == 0:  # no line begins here
            return b"", first
    end = first + size - before  # a line that begins below it is ours, to its end
    if len(data) < end:
        return data[begin:], before + begin
    cut = data.find(b"\n", end - 1)
    while cut < 0:
        more = os.pread(descriptor, 1 << 20, before + len(data))
        if not more:
            return data[begin:], before + begin
        seen = len(data)
        data += more
        if len(data) >= MAX_RECORD:
            raise LongLine
        cut = data.find(b"\n", seen)
    return data[begin : cut + 1], before + begin


def map_chunks(
    path: Path, look: Callable[[bytes, int], Result], *, start: int = 0, processes: int = PROCESSES
) -> Iterator[Result]:
    """`look(lines, byte they begin at)` for every chunk, in order; in this process where the file is small.

    Args:
        look: must not depend on what it saw before: chunks are shared out.

    Raises:
        LongLine: see read_chunk. ProcessLost: a process was killed. Whatever `look` raises.
    """
    size = path.stat().st_size - start
    chunks = max(-(-size // SIZE), 0)
    if size < _WORTH_FORKING or processes < 2 or not _may_fork():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            for number in range(chunks):
                yield look(*read_chunk(descriptor, number, start))
        finally:
            os.close(descriptor)
        return
    yield from _forked(path, look, start, chunks, processes)


def _may_fork() -> bool:
    """Not beside other threads: one may hold a lock that the forked copy would wait for, for ever."""
    return hasattr(os, "fork") and threading.active_count() == 1 and not multiprocessing.current_process().daemon


def _forked(
    path: Path, look: Callable[[bytes, int], Result], start: int, chunks: int, processes: int
) -> Iterator[Result]:
    context = multiprocessing.get_context("fork")
    pipes: list[Connection] = []
    started: list[multiprocessing.process.BaseProcess] = []
    try:
        for index in range(processes):
            ours, theirs = context.Pipe(duplex=False)
            numbers = range(index, chunks, processes)
            process = context.Process(target=_serve, args=(theirs, path, look, start, numbers), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            started.append(process)
        for number in range(chunks):
            try:
                result = pipes[number % processes].recv()
            except EOFError as error:
                raise ProcessLost from error
            if isinstance(result, _Raised):
                raise result.error
            yield result
    finally:
        for pipe in pipes:
            pipe.close()
        for process in started:
            process.terminate()
            process.join()


class _Raised:
    """What went wrong in a process, on its way back."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _serve(
    pipe: Connection, path: Path, look: Callable[[bytes, int], Result], start: int, numbers: range
) -> None:  # pragma: no cover (runs in a forked process)
    gc.disable()  # nothing here makes cycles, and what was inherited need not be copied
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for number in numbers:
            pipe.send(look(*read_chunk(descriptor, number, start)))
    except BrokenPipeError:
        return
    except Exception as error:
        pipe.send(_Raised(error))
    finally:
        pipe.close()
