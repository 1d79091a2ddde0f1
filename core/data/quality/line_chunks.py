"""A file of lines in chunks that end at line ends, processed by two processes at once, in bounded memory.

LineChunk k holds the lines that begin in bytes [k * SIZE, (k + 1) * SIZE): each process finds its own, without reading
what belongs to another. Process i takes the chunks i, i + n, i + 2n, ..., and process 0 is this one; the results come
back in the order of the file, and a process that runs ahead waits until its pipe is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from core.data.formats.base import MAX_RECORD
from core.platform.forking import Forked, may_fork, without_collector

SIZE = 1 << 19  # bytes; a chunk fits into the processor's cache
PROCESSES = 2
_WORTH_FORKING = 8 << 20  # bytes; a smaller file is finished before a process has started
_PROBE, _TAIL = 1 << 12, 1 << 16  # bytes read to find where a line ends, first and then; and beyond a chunk

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
    begin = _next_line(descriptor, first, size) if number else first
    if begin >= first + size:  # no line starts here
        return LineChunk(b"", first)
    end = _next_line(descriptor, first + size, MAX_RECORD - size)
    if end - first >= MAX_RECORD:
        raise NotByChunks
    lines = os.pread(descriptor, end - begin, begin)  # once, and nothing else: a copy takes as long as reading
    after = os.pread(descriptor, _TAIL, end)
    return LineChunk(lines, begin, after, complete=len(after) < _TAIL)


def _next_line(descriptor: int, at: int, most: int) -> int:
    """The first byte from `at` on that begins a line: the file's end, or `at + most` or more, where none is near."""
    seen, probe = at - 1, _PROBE  # the byte before tells whether a line begins at `at`
    while seen < at + most and (piece := os.pread(descriptor, probe, seen)):
        if (end := piece.find(b"\n")) >= 0:
            return seen + end + 1
        seen, probe = seen + len(piece), _TAIL
    return seen


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
        for index in range(1, processes):
            numbers = range(index, chunks, processes)
            started.append(Forked(partial(_look, path, look, start, numbers), started))
        ours = _look(path, look, start, range(0, chunks, processes))
        for number in range(chunks):
            process = number % processes
            yield started[process - 1].receive() if process else next(ours)
    finally:
        for lent in started:
            lent.stop()


def _look(path: Path, look: Callable[[LineChunk], Result], start: int, numbers: range) -> Iterator[Result]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for number in numbers:
            with without_collector():
                found = look(read_chunk(descriptor, number, start))
            yield found
    finally:
        os.close(descriptor)
