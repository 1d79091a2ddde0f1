"""Write a version's files into a local directory: examples and findings as Parquet, rejects verbatim, manifest last."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.data.examples.parquet import ParquetRows
from core.data.examples.texts import Numbers
from core.data.versions import files
from core.data.versions.files import EXAMPLE_SCHEMA, EXAMPLES, FINDINGS, REJECTS
from core.data.versions.manifest import Counts, HoldOut
from core.data.versions.ready import DEFAULT_SEED, ReadyExamples
from core.data.versions.unsplit import UnsplitExamples
from core.messages import Example, Finding, Reject, Split

HOLD_OUT_FROM = 200  # below, nothing is held out unless asked: facts that were never shown cannot be learned
HOLD_OUT_SHARE, HOLD_OUT_MOST = 0.1, 1_000
VERSION_BYTES_PER_BYTE = 4  # of source text: the Arrow file, the final file and its copy in the store, at most
VERSION_BYTES_PER_STORED_BYTE = 10  # of the files of another version, which are compressed
_REPEATED = ["label", "split", "source"]  # columns with few values: only they are worth a dictionary
# Numbers that differ little from one example to the next, stored by their differences: in less time and space.
_ENCODING = dict.fromkeys(("position", "source_line", "turns", "characters", "tokens"), "DELTA_BINARY_PACKED")
_UNSPLIT = f"{EXAMPLES}.unsplit"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: counts, the hash of the examples (content, not bytes of the file)."""

    examples: int
    train_examples: int
    validation_examples: int
    test_examples: int
    rejects: int
    findings: Mapping[str, int]  # by severity
    examples_sha256: str
    split: HoldOut

    def counts(self, **rows: int) -> Counts:
        """The counts of the manifest; `rows` are those of the source, by their names in `Counts`."""
        parts = (self.train_examples, self.validation_examples, self.rejects)
        return Counts(self.examples, *parts, test=self.test_examples, **rows)


class VersionWriter:
    """Collects examples, findings and rejects; `finish` splits them and closes the files.

    Args:
        directory: local; what an interrupted attempt left there is overwritten.
        hold_out: share of the examples to hold out for validation; None: 10 % (at most 1,000) from 200 examples on,
            nothing below, and nothing where the examples are split already.

    Attributes:
        is_split: whether the splits of the examples were given, also where all of them are for training. True as soon
            as one is for validation or testing.
        left_out: the rejected rows so far, by the code of their first finding.
        unsplit: how the path of a file begins that another process saves examples in (`ReadyExamples.saved`).
    """

    def __init__(self, directory: Path, *, hold_out: float | None = None, seed: int = DEFAULT_SEED) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for name in (EXAMPLES, FINDINGS, REJECTS, files.MANIFEST):
            (directory / name).unlink(missing_ok=True)
        self.directory = directory
        self.unsplit = directory / _UNSPLIT
        self._hold_out, self._seed = hold_out, seed
        self._examples = UnsplitExamples(self.unsplit, seed)
        self._findings = ParquetRows(directory / FINDINGS, files.FINDING_SCHEMA)
        self._rejects = (directory / REJECTS).open("w", encoding="utf-8")
        self._parts: Counter[Split] = Counter()
        self._rejected = 0
        self.left_out: Counter[str] = Counter()
        self.is_split = False
        self._by_severity: dict[str, int] = {"error": 0, "warning": 0, "info": 0}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rejects.close()
        if kind is not None:
            self._examples.close()
            self._findings.close()

    @property
    def examples(self) -> int:
        return self._parts.total()

    def add(self, example: Example, findings: Iterable[Finding] = ()) -> None:
        noted = tuple(findings)
        self._examples.add(files.example_row(self.examples, example, (*example.flags, *(item.code for item in noted))))
        self._count(example.split, 1)
        self.note(noted)

    def add_ready(self, ready: ReadyExamples) -> None:
        """Add many examples at once, and the rejects between them."""
        if len(ready):
            self._examples.add_batch(ready.batch, ready.chances if self._seed == DEFAULT_SEED else None)
            self._count(ready.split, len(ready))
        for item in ready.rejects:
            self._keep(item)
        self.note(ready.findings)

    def add_stored(self, table: Any, splits: Sequence[Split]) -> None:
        """Add rows of an examples file as they are, but for their place and the part that each belongs to."""
        table = table.set_column(table.schema.get_field_index("split"), "split", pa.array(splits, pa.string()))
        self._examples.add_table(table)
        for split, number in Counter(splits).items():
            self._count(split, number)

    def reject(self, item: Reject) -> None:
        """Keep a rejected row verbatim with its reasons."""
        self._keep(item)
        self.note(item.findings)

    def note(self, findings: Iterable[Finding]) -> None:
        for found in findings:
            self._by_severity[found.severity] += 1
            self._findings.add(files.finding_row(found))

    def finish(self) -> Written:
        """Split, write the final examples file, and say what there is. The manifest is the caller's to write."""
        self._examples.close()
        self._findings.close()
        self._rejects.close()
        moved, split = self._choose()
        digest, test = hashlib.sha256(), self._parts["test"]
        validation = self._parts["validation"] + len(moved)
        path = self.directory / EXAMPLES
        path.unlink(missing_ok=True)  # never written in place: a store may have linked what another attempt wrote
        with (
            pq.ParquetWriter(
                path, EXAMPLE_SCHEMA, compression="zstd", use_dictionary=_REPEATED, column_encoding=_ENCODING
            ) as final,
            ThreadPoolExecutor(1) as beside,  # compressing and hashing hold no lock: each has a core
        ):
            writing: Future[None] | None = None
            for table in self._examples.tables():
                table = _split(table, moved)
                if writing is not None:
                    writing.result()
                writing = beside.submit(final.write_table, table)
                _hash(digest, table)
            if writing is not None:
                writing.result()
        self._examples.delete()
        return Written(
            examples=self.examples,
            train_examples=self.examples - validation - test,
            validation_examples=validation,
            test_examples=test,
            rejects=self._rejected,
            findings=dict(self._by_severity),
            examples_sha256=digest.hexdigest(),
            split=split,
        )

    def _count(self, split: Split, number: int) -> None:
        self._parts[split] += number
        self.is_split = self.is_split or (split != "train" and number > 0)

    def _keep(self, item: Reject) -> None:
        self._rejected += 1
        self.left_out.update(found.code for found in item.findings[:1])
        self._rejects.write(files.reject_line(item))

    def _choose(self) -> tuple[Any, HoldOut]:
        """Positions that are held out: of the first messages by a seeded hash, so that equal ones stay on one side."""
        train = self._parts["train"]
        wanted = held_out(train, self._hold_out, self.is_split)
        split = HoldOut(self._seed, wanted, self._parts["validation"])
        if wanted <= 0:
            return np.empty(0, np.int64), split
        return np.sort(self._examples.drawn(wanted)), split


def held_out(examples: int, share: float | None, is_split: bool = False) -> int:
    """How many of so many training examples are held out for validation; `share` None: decided by their number."""
    if share is not None:
        return round(examples * share)
    if is_split or examples < HOLD_OUT_FROM:
        return 0
    return min(round(examples * HOLD_OUT_SHARE), HOLD_OUT_MOST)


def _split(table: Any, moved: Numbers) -> Any:
    """The table with the examples at these positions, which ascend, moved to validation."""
    first = table.column("position")[0].as_py()
    mine = moved[slice(*np.searchsorted(moved, (first, first + len(table))))] - first
    if not len(mine):
        return table
    taken = np.zeros(len(table), bool)
    taken[mine] = True
    splits = pc.if_else(pa.array(taken), "validation", table.column("split"))
    return table.set_column(table.schema.get_field_index("split"), "split", splits)


def _hash(digest: Any, table: Any) -> None:
    """Take `split TAB messages LF` of every example into the digest; `TAB tools TAB rejected` too, where it has any."""
    first = [table.column("split"), table.column("messages")]
    tools, rejected = (table.column(name) for name in files.ADDED_LATER)
    if tools.null_count < len(table) or rejected.null_count < len(table):
        bare = pc.and_(pc.is_null(tools), pc.is_null(rejected))
        whole = pc.binary_join_element_wise(*first, pc.fill_null(tools, ""), pc.fill_null(rejected, ""), "\t")
        joined = pc.if_else(bare, pc.binary_join_element_wise(*first, "\t"), whole)
        joined = pc.binary_join_element_wise(joined, "\n", "")
    else:
        joined = pc.binary_join_element_wise(first[0], "\t", first[1], "\n", "")
    for chunk in joined.chunks:
        _, offsets, data = chunk.buffers()
        bounds = memoryview(offsets).cast("i")
        first, last = bounds[chunk.offset], bounds[chunk.offset + len(chunk)]
        digest.update(memoryview(data)[first:last])
