"""Other processes read a large file while this one does the rest: one that reads ahead, or two by turns.

By turns, two processes take every second piece of a file that can be cut into such (`formats.pieces`). What follows the
last one, or a file that cannot be cut, is read ahead by a second process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, cycle, islice
from pathlib import Path
from typing import TypeVar

from core.data import formats
from core.data.conversion.analysis_ahead import WORTH_FORKING as _WORTH_FORKING
from core.data.conversion.labeling import Labeled, Labeler
from core.data.conversion.late_fields import LateFields, early_fields
from core.data.conversion.profiles import RowTotals
from core.data.examples.columns import ExampleBatch
from core.data.formats import Detection
from core.data.formats.parsing.batches import FilePlace, RowBatch
from core.data.versions.batch_file import BatchFile
from core.data.versions.files import UNSPLIT_SCHEMA
from core.data.versions.ready import ReadyExamples
from core.messages import Finding, Reject, Row, Split
from core.platform.forking import Finished, Forked, may_fork

_PROCESSES = 2

Item = TypeVar("Item")
Made = ReadyExamples | Labeled | Reject


def read_batches(path: Path, detection: Detection) -> Iterator[RowBatch]:
    """The same as formats.read_batches, read by a second process if the file is large.

    Raises:
        DataError: while iterating, if the file cannot be read any further.
        ProcessLost: while iterating; the process that reads was killed.
    """
    return _ahead(detection, path.stat().st_size, lambda: formats.read_batches(path, detection))


@dataclass(frozen=True, slots=True)
class _Counted:
    """What a labeler has counted, and the rows of those late fields of which there are more than told before."""

    read: int
    rejected: int
    examples: int
    is_split: bool
    late: Mapping[str, Sequence[Row]]


def examples(
    labeler: Labeler,
    path: Path,
    detection: Detection,
    save_at: Path,
    split: Split | None = None,
    late: LateFields | None = None,
) -> Iterator[Made]:
    """The examples of a file, made by other processes if the file is large; the labeler counts along.

    Args:
        save_at: how the paths of the files begin in which each process saves the examples that it makes in columns.
        split: that of all examples; None: as the rows say.
        late: gets the fields that are filled behind the first rows.

    Raises:
        DataError, ProcessLost: see read_batches.
    """
    seen, place = late or LateFields(), None
    making = _Making(split, save_at)
    size = path.stat().st_size
    if labeler.by_parts and size >= _WORTH_FORKING and may_fork() and _has_pieces(path, detection):
        place = yield from _examples_in_turns(labeler, path, detection, making, seen)

    def make() -> Iterator[tuple[Made, _Counted]]:
        told: dict[str, int] = {}
        for made in making.of(labeler, seen.watch(formats.read_batches(path, detection, place=place))):
            new = {name: rows for name, rows in seen.rows.items() if told.get(name) != len(rows)}
            told |= {name: len(rows) for name, rows in new.items()}
            yield made, _Counted(labeler.read, labeler.rejected, labeler.examples, labeler.is_split, new)

    for item, counted in _ahead(detection, size - place.offset if place else size, make):
        labeler.read, labeler.rejected, labeler.examples = counted.read, counted.rejected, counted.examples
        labeler.is_split = counted.is_split
        seen.rows.update({name: list(rows) for name, rows in counted.late.items()})
        yield item


def _has_pieces(path: Path, detection: Detection) -> bool:
    return next(iter(formats.pieces(path, detection)), None) is not None


def _examples_in_turns(
    labeler: Labeler, path: Path, detection: Detection, making: _Making, seen: LateFields
) -> Generator[Made, None, FilePlace | None]:
    """The examples of the file's pieces; returns the same as `_pieces_in_turns`."""
    early = early_fields(formats.read_batches(path, detection))
    mine, told = LateFields(), Counter[str]()  # of each process
    mine.go_behind(early)

    def look(batches: Iterable[RowBatch]) -> Iterator[Made | _Counted]:
        part = Labeler(labeler.recipe, labeler.source)
        made = list(making.of(part, mine.watch(batches)))
        new = {name: rows[told[name] :] for name, rows in mine.rows.items() if len(rows) > told[name]}
        told.update({name: len(rows) for name, rows in new.items()})
        yield _Counted(part.read, part.rejected, part.examples, part.is_split, new)
        yield from made

    turns = _pieces_in_turns(path, detection, look)
    with closing(turns):
        while True:
            try:
                item = next(turns)
            except StopIteration as ended:
                if ended.value is not None:
                    seen.go_behind(early)
                place: FilePlace | None = ended.value
                return place
            if isinstance(item, _Counted):
                labeler.read += item.read
                labeler.rejected += item.rejected
                labeler.examples += item.examples
                labeler.is_split = labeler.is_split or item.is_split
                seen.take(item.late)
            else:
                yield _without(item, labeler.say_notes(item.findings))


def _without(item: Made, said: Collection[str]) -> Made:
    """The same without findings of these codes."""
    if not said or all(found.code not in said for found in item.findings):
        return item

    def left(findings: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(found for found in findings if found.code not in said)

    if isinstance(item, ReadyExamples):
        rejects = [replace(reject, findings=left(reject.findings)) for reject in item.rejects]
        return replace(item, findings=list(left(item.findings)), rejects=rejects)
    return replace(item, findings=left(item.findings))


class _Making:
    """Makes examples of batches, all of one split if it is given; each process that does so saves them in its file."""

    def __init__(self, split: Split | None, save_at: Path) -> None:
        self._split, self._save_at = split, save_at
        self._file: BatchFile | None = None

    def of(self, labeler: Labeler, batches: Iterable[RowBatch]) -> Iterator[Made]:
        for item in labeler.run_batches(batches):
            if isinstance(item, ExampleBatch):
                ready = ReadyExamples.of(item.of_split(self._split) if self._split else item)
                yield ready.saved(self._opened())
            elif isinstance(item, Labeled) and self._split:
                yield Labeled(replace(item.example, split=self._split), item.findings)
            else:
                yield item

    def _opened(self) -> BatchFile:
        """The file of this process: none is open before it forks."""
        if self._file is None:
            self._file = BatchFile(self._save_at, UNSPLIT_SCHEMA)
        return self._file


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

    yield from look(_ahead(detection, left, rest))


def tallies(path: Path, detection: Detection) -> Iterator[RowTotals] | None:
    """The rows of a large file, counted by other processes from now on; None where this process has to count.

    Raises:
        DataError, ProcessLost: while iterating, see read_batches.
    """
    if path.stat().st_size < _WORTH_FORKING or not may_fork() or not _has_pieces(path, detection):
        return None
    counting = in_turns(path, detection, lambda batches: [RowTotals.of(batches)])
    return chain([next(counting)], counting)  # the first one starts the processes


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


def _ahead(detection: Detection, size: int, make: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """What is made of `size` bytes of a file, by a second process if that is many and it is possible."""
    can_fork = formats.FORMATS.get(detection.format).can_fork and may_fork()
    if not can_fork or size < _WORTH_FORKING:
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
