"""Reading ahead: a second process reads a large file, and makes its examples, while this one does the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from core.data import formats
from core.data.conversion.labeling import Labeled, Labeler
from core.data.conversion.late_fields import LateFields
from core.data.examples.columns import ExampleBatch
from core.data.formats import Detection
from core.data.formats.parsing.batches import RowBatch
from core.data.versions.ready import ReadyExamples
from core.messages import Reject, Row, Split
from core.platform.forking import Finished, Forked, may_fork

_WORTH_FORKING = 8 << 20  # bytes of the file

Item = TypeVar("Item")


def read_batches(path: Path, detection: Detection) -> Iterator[RowBatch]:
    """The same as formats.read_batches, read by a second process if the file is large.

    Raises:
        DataError: while iterating, if the file cannot be read any further.
        ProcessLost: while iterating; the process that reads was killed.
    """
    return _ahead(path, detection, lambda: formats.read_batches(path, detection))


def examples(
    labeler: Labeler, path: Path, detection: Detection, split: Split | None = None, late: LateFields | None = None
) -> Iterator[ReadyExamples | Labeled | Reject]:
    """The examples of a file, made by a second process if the file is large; the labeler counts along.

    Args:
        split: that of all examples; None: as the rows say.
        late: gets the fields that are filled behind the first rows.

    Raises:
        DataError, ProcessLost: see read_batches.
    """
    seen = late or LateFields()

    def make() -> Iterator[tuple[ReadyExamples | Labeled | Reject, tuple[int, int, int, bool], dict[str, list[Row]]]]:
        told: dict[str, int] = {}
        for item in labeler.run_batches(seen.watch(formats.read_batches(path, detection))):
            made: ReadyExamples | Labeled | Reject
            if isinstance(item, ExampleBatch):
                made = ReadyExamples.of(item.of_split(split) if split else item)
            elif isinstance(item, Labeled) and split:
                made = Labeled(replace(item.example, split=split), item.findings)
            else:
                made = item
            new = {name: rows for name, rows in seen.rows.items() if told.get(name) != len(rows)}
            told |= {name: len(rows) for name, rows in new.items()}
            yield made, (labeler.read, labeler.rejected, labeler.examples, labeler.is_split), new

    for item, counts, new in _ahead(path, detection, make):
        labeler.read, labeler.rejected, labeler.examples, labeler.is_split = counts
        seen.rows.update(new)
        yield item


def _ahead(path: Path, detection: Detection, make: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """What is made of a file, by a second process if the file is large and that is possible."""
    can_fork = formats.FORMATS.get(detection.format).can_fork and may_fork()
    if not can_fork or path.stat().st_size < _WORTH_FORKING:
        yield from make()
        return
    reader = Forked(make)
    try:
        while True:
            try:
                yield reader.receive()
            except Finished:
                return
    finally:
        reader.stop()
