"""Reading ahead: a second process reads a large file while this one converts the batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.data import formats
from core.data.formats import Detection
from core.data.formats.parsing.batches import RowBatch
from core.platform.forking import Finished, Forked, may_fork

_WORTH_FORKING = 8 << 20  # bytes of the file


def read_batches(path: Path, detection: Detection) -> Iterator[RowBatch]:
    """The same as formats.read_batches, read by a second process if the file is large.

    Raises:
        DataError: while iterating, if the file cannot be read any further.
        ProcessLost: while iterating; the process that reads was killed.
    """
    can_fork = formats.FORMATS.get(detection.format).can_fork and may_fork()
    if not can_fork or path.stat().st_size < _WORTH_FORKING:
        yield from formats.read_batches(path, detection)
        return
    reader = Forked(lambda: formats.read_batches(path, detection))
    try:
        while True:
            try:
                yield reader.receive()
            except Finished:
                return
    finally:
        reader.stop()
