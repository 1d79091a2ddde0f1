"""A file of lines in chunks that end at line ends, processed by two processes at once, in bounded memory.

LineChunk k holds the lines that begin in bytes [k * SIZE, (k + 1) * SIZE): each process finds its own, without reading
what belongs to another. Process i takes the chunks i, i + n, i + 2n, ...; the results come back in the order of the
file, and a process that runs ahead waits until its pipe is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from core.data.formats.base import MAX_RECORD
from core.platform.forking import Forked, may_fork

SIZE = 1 << 19  # bytes; a chunk fits into the processor's cache
PROCESSES = 2
_WORTH_FORKING = 8 << 20  # bytes; a smaller file is finished before a process has started
_TAIL = 1 << 16  # bytes read beyond a chunk at first, to find the end of its last line

Result = TypeVar("Result")


class NotByChunks(Exception):
    """The file has to be read row by row: a row reaches over chunks, or a line is longer than the limit."""


@dataclass(frozen=True, slots=True)
class LineChunk:
    """The lines that begin in a stretch of a file, each with its line end.

    Attributes:
        lines: b"" where no line begins there.
        offset: the byte of the file that they begin at.
        after: what follows them, as far as it happened to be read.
        complete: whether `after` goes to the end of the file.
    """

    lines: bytes
    offset: int = 0
    after: bytes = b""
    complete: bool = True


def read_chunk(descriptor: int, number: int, start: int = 0, size: int = SIZE) -> LineChunk:
    """A chunk by its number.

    Args:
        start: bytes at the beginning of the file that belong to no line (a byte order mark).

    Raises:
        NotByChunks: a line is longer than MAX_RECORD bytes.
    """
    first = start + number * size
    before = first - 1 if number else first  # the byte before tells whether a line begins at `first`
    asked = size + _TAIL
    data = os.pread(descriptor, asked, before)
    complete = len(data) < asked
    begin = 0
    if number:
        begin = data.find(b"\n", 0, first + size - before - 1) + 1
        if begin == 0:  # no line starts here
            return LineChunk(b"", first)
    end = first + size - before  # a line that begins below it is ours, to its end
    if len(data) < end:
        return LineChunk(data[begin:], before + begin)
    cut = data.find(b"\n", end - 1)
    while cut < 0:
        more = os.pread(descriptor, 1 << 20, before + len(data))
        if not more:
            return LineChunk(data[begin:], before + begin)
        seen, complete = len(data), False
        data += more
        if len(data) >= MAX_RECORD:
            raise NotByChunks
        cut = data.find(b"\n", seen)
    return LineChunk(data[begin : cut + 1], before + begin, data[cut + 1 :], complete)


def map_chunks(
    path: Path, look: Callable[[LineChunk], Result], *, start: int = 0, processes: int = PROCESSES
) -> Iterator[Result]:
    """`look(chunk)` for every chunk, in order; in this process where the file is small.

    Args:
        look: must not depend on what it saw before: chunks are shared out.

    Raises:
        NotByChunks: see read_chunk. ProcessLost: a process was killed. Whatever `look` raises.
    """
    size = path.stat().st_size - start
    chunks = max(-(-size // SIZE), 0)
    if size < _WORTH_FORKING or processes < 2 or not may_fork():
        yield from _look(path, look, start, range(chunks))
        return
    started: list[Forked[Result]] = []
    try:
        for index in range(processes):
            numbers = range(index, chunks, processes)
            started.append(Forked(partial(_look, path, look, start, numbers), started))
        for number in range(chunks):
            yield started[number % processes].receive()
    finally:
        for process in started:
            process.stop()


def _look(path: Path, look: Callable[[LineChunk], Result], start: int, numbers: range) -> Iterator[Result]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for number in numbers:
            yield look(read_chunk(descriptor, number, start))
    finally:
        os.close(descriptor)
