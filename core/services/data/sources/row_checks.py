"""Every row of a file is checked for `sft validate`, thousands at a time where they are plain, by two processes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from core.data.conversion.chat_shapes import CHAT_SHAPES
from core.data.conversion.labeling import FindingList, Labeled, Labeler, Recipe
from core.data.examples.columns import ExampleBatch
from core.data.examples.identity import decoded_key
from core.data.examples.sets import ExampleSet, is_masked
from core.data.formats import Detection, RowBatch
from core.data.issues import ISSUES
from core.data.quality.set_rules import check_set
from core.messages import SPLITS, Finding, Reject
from core.services.data.sources import reading_ahead

_REPORTED = 1_000  # rows that are reported together


@dataclass(slots=True)
class CheckedRows:
    """Counts of rows while a file is read. `readable`: rejected rows that could be read in part."""

    read: int = 0
    rejected: int = 0
    readable: int = 0

    def reject(self, item: Reject) -> None:
        self.read += 1
        self.rejected += 1
        self.readable += not all(ISSUES.get(reason.code).unreadable for reason in item.findings)

    def add(self, other: CheckedRows) -> None:
        self.read, self.rejected = self.read + other.read, self.rejected + other.rejected
        self.readable += other.readable


@dataclass(slots=True)
class _Report:
    """What was found in rows that follow each other; of their examples what the rules about a set need."""

    counts: CheckedRows = field(default_factory=CheckedRows)
    findings: list[Finding] = field(default_factory=list)
    keys: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    splits: bytearray = field(default_factory=bytearray)
    masked: int = 0

    def reject(self, item: Reject) -> None:
        self.counts.reject(item)
        self.findings += item.findings

    def label(self, item: Labeled) -> None:
        example = item.example
        self.counts.read += 1
        self.findings += item.findings
        self.keys.append(decoded_key(example))
        self.lines.append(example.source_line)
        self.splits.append(SPLITS.index(example.split))
        self.masked += is_masked(example.messages)

    def columns(self, examples: ExampleBatch) -> None:
        for _, item in examples.rejects:
            self.counts.reject(item)
        self.counts.read += len(examples)
        self.findings += examples.in_order()
        self.keys.extend(examples.decoded_keys())
        self.lines.extend(examples.lines)
        self.splits.extend(bytes([SPLITS.index(examples.split)]) * len(examples))


def check(path: Path, detection: Detection, shape: str | None, findings: FindingList, counts: CheckedRows) -> None:
    """Check every row; adds to the counts, and to the findings in the order of the file, those about the set last.

    Args:
        shape: None: the rows are only read and counted.

    Raises:
        DataError: the file cannot be read any further.
    """
    if shape is None:
        reports = reading_ahead.in_turns(path, detection, _counted)
    elif CHAT_SHAPES.get(shape).gather is not None:  # its examples lie across rows
        reports = _labeled(reading_ahead.read_batches(path, detection), shape, str(path))
    else:
        reports = reading_ahead.in_turns(path, detection, partial(_labeled, shape=shape, source=str(path)))
    seen = ExampleSet()
    for report in reports:
        counts.add(report.counts)
        findings.extend(report.findings)
        seen.add(report.keys, report.lines, splits=bytes(report.splits), masked=report.masked)
    if shape is not None:
        findings.extend(check_set(seen))


def _counted(batches: Iterable[RowBatch]) -> Iterator[_Report]:
    for batch in batches:
        report = _Report(CheckedRows(read=len(batch)))
        for item in batch.rejects:
            report.reject(item)
        yield report


def _labeled(batches: Iterable[RowBatch], shape: str, source: str) -> Iterator[_Report]:
    report = _Report()
    for item in Labeler(Recipe(shape=shape), source).run_batches(batches):
        if isinstance(item, Reject):
            report.reject(item)
        elif isinstance(item, ExampleBatch):
            report.columns(item)
        else:
            report.label(item)
        if report.counts.read >= _REPORTED:
            yield report
            report = _Report()
    yield report
