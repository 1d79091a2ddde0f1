"""The analysis of a local file by other processes, while this one still starts and stores the file.

One looks into the first rows, the other counts all of them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.data import formats
from core.data.conversion import analysis
from core.data.conversion.analysis import Analysis
from core.data.conversion.profiles import RowTotals
from core.data.formats import Detection, Reading
from core.platform.forking import Finished, Forked, may_fork
from core.settings import MAX_UPLOAD_BYTES

WORTH_FORKING: Final = 8 << 20  # bytes of the file


class AnalysisAhead:
    """Begins at once, where the file is large and a fork is safe."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self._path, self._before = path, _stamp(path)
        self._helper: Forked[tuple[Detection, Analysis]] | None = None
        self._counter: Forked[RowTotals] | None = None
        size = self._before[1] if self._before is not None else 0
        if WORTH_FORKING <= size <= MAX_UPLOAD_BYTES and may_fork():
            self._counter = counter = Forked(lambda: _tallies(path, reading))
            self._helper = Forked(lambda: _analyzed(path, reading, counter))

    @property
    def is_running(self) -> bool:
        """Whether others analyze the file now."""
        return self._helper is not None

    def of(self, detection: Detection) -> Analysis | None:
        """The analysis; None where there is none, the file has changed since, or it is read in another way."""
        if self._helper is None:
            return None
        try:
            detected, found = self._helper.receive()
        except Exception:  # what is wrong with the file is said by the one who reads it next
            return None
        finally:
            self.stop()
        same = detected.to_dict() == detection.to_dict() and _stamp(self._path) == self._before
        return found if same else None

    def stop(self) -> None:
        """End the other processes."""
        for helper in (self._helper, self._counter):
            if helper is not None:
                helper.stop()
        self._helper = self._counter = None


@contextmanager
def analyzed_ahead(path: Path, reading: Reading) -> Iterator[AnalysisAhead]:
    """The analysis that other processes make during the block."""
    ahead = AnalysisAhead(path, reading)
    try:
        yield ahead
    finally:
        ahead.stop()


def _tallies(path: Path, reading: Reading) -> Iterator[RowTotals]:
    detection = formats.detect_file(path, path.name, reading)
    if formats.FORMATS.get(detection.format).can_fork:
        yield from (RowTotals.of([batch]) for batch in formats.read_batches(path, detection))


def _analyzed(path: Path, reading: Reading, counter: Forked[RowTotals]) -> Iterator[tuple[Detection, Analysis]]:
    """Nothing where a separate process reads the format: several of those would need too much memory."""
    detection = formats.detect_file(path, path.name, reading)
    if formats.FORMATS.get(detection.format).can_fork:
        batches = formats.read_batches(path, detection)
        yield detection, analysis.analyze_batches(batches, tallies=_received(counter))


def _received(counter: Forked[RowTotals]) -> Iterator[RowTotals]:
    """What the other helper counts; it was forked before this one, which reads from the same pipe."""
    with contextlib.suppress(Finished):
        while True:
            yield counter.receive()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Which file it is, its bytes and when it was changed; None if it is not a file."""
    if not os.path.isfile(path):  # not Path.is_file, which raises if a name is too long
        return None
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns
