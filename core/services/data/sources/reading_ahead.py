"""Other processes read a large file while this one does the rest: one that reads ahead, or two by turns.

Reading ahead, a second process reads the file and makes its examples. By turns, two processes take every second piece
of a file that can be cut into such (`formats.pieces`); what follows the last one is read from there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import TypeVar

from core.data import formats
from core.data.conversion.labeling import Labeled, Labeler
from core.data.conversion.late_fields import LateFields
from core.data.examples.columns import ExampleBatch
from core.data.formats import Detection
from core.data.formats.parsing.batches import FilePlace, RowBatch
from core.data.versions.ready import ReadyExamples
from core.messages import Reject, Row, Split
from core.platform.forking import Finished, Forked, may_fork

_WORTH_FORKING = 8 << 20  # bytes of the file
_PROCESSES = 2

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


def in_turns(path: Path, detection: Detection, look: Callable[[Iterable[RowBatch]], Iterable[Item]]) -> Iterator[Item]:
    """What `look` makes of all rows of a file, in their order; by two processes if the file is large.

    Args:
        look: gets rows that follow each other, and must not depend on those before: they are shared out.

    Raises:
        DataError, ProcessLost: see read_batches.
    """
    size, place = path.stat().st_size, None
    if size >= _WORTH_FORKING and may_fork():
        place = yield from _pieces_in_turns(path, detection, look)
    left = size - place.offset if place else size

    def rest() -> Iterator[RowBatch]:
        return formats.read_batches(path, detection, place=place)

    yield from look(rest() if left < _WORTH_FORKING else _ahead(path, detection, rest))


def _pieces_in_turns(
    path: Path, detection: Detection, look: Callable[[Iterable[RowBatch]], Iterable[Item]]
) -> Generator[Item, None, FilePlace | None]:
    """What `look` makes of the file's pieces; returns where the first one begins that is not sound, or the rest."""

    def every_second(first: int) -> Iterator[tuple[list[Item] | None, FilePlace]]:
        for piece in islice(formats.pieces(path, detection), first, None, _PROCESSES):
            batches = piece.batches()
            if batches is None:
                yield None, piece.start
                return
            yield list(look(batches)), piece.end

    helpers: list[Forked[tuple[list[Item] | None, FilePlace]]] = []
    place: FilePlace | None = None
    try:
        for first in range(_PROCESSES):
            helpers.append(Forked(partial(every_second, first), helpers))
        for helper in cycle(helpers):
            try:
                made, place = helper.receive()
            except Finished:
                return place
            if made is None:
                return place
            yield from made
    finally:
        for helper in helpers:
            helper.stop()
    return place


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
