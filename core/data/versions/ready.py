"""Examples as a version's file stores them, with what the writer and the rules about a set need to know of each.

Made wherever there is time for it, such as in the process that reads the file: the writer then only copies columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.examples.columns import ExampleBatch
from core.data.examples.identity import quick_keys_without_calls
from core.data.examples.texts import Numbers
from core.data.versions import files
from core.data.versions.files import EXAMPLE_SCHEMA, LABEL_CHARACTERS
from core.messages import Finding, Reject, Split
from core.text import CHARACTERS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class ReadyExamples:
    """Examples that follow each other, and the rejects between them.

    Attributes:
        table: as the schema wants them, at positions from 0.
        keys: 64 bits each (see examples.identity). lines: the physical line of each.
        findings: of examples and rejects, in the order of the file.
    """

    table: Any
    keys: Numbers
    lines: Sequence[int]
    split: Split
    findings: list[Finding]
    rejects: list[Reject]

    def __len__(self) -> int:
        return len(self.lines)

    @classmethod
    def of(cls, examples: ExampleBatch) -> Self:
        """The same as a row by row `example_row`."""
        findings, rejects = examples.in_order(), [item for _, item in examples.rejects]
        if not len(examples):
            return cls(EXAMPLE_SCHEMA.empty_table(), np.empty(0, np.int64), (), examples.split, findings, rejects)
        written = examples.messages_json()
        keys = np.array(quick_keys_without_calls(written.to_pylist()), np.int64)
        return cls(_table(examples, written), keys, examples.lines, examples.split, findings, rejects)


def as_numbers(lines: Sequence[int]) -> Numbers:
    """Lines as a numpy array."""
    if isinstance(lines, range):
        return np.arange(lines.start, lines.stop, lines.step, dtype=np.int64)
    return np.array(lines, np.int64)


def _table(examples: ExampleBatch, written: Any) -> Any:
    number, characters = len(examples), examples.characters()
    flags: Any = pa.repeat(pa.scalar([], files.FLAGS), number)
    if examples.findings:
        codes: list[list[str]] = [[]] * number
        for index, found in examples.findings.items():
            codes[index] = sorted({item.code for item in found})
        flags = pa.array(codes, files.FLAGS)
    columns = [
        pa.array(np.arange(number)),
        written,
        pc.utf8_slice_codeunits(examples.answers(), 0, LABEL_CHARACTERS),
        pa.repeat(pa.scalar(examples.split), number),
        pa.repeat(pa.scalar(examples.source), number),
        pa.array(as_numbers(examples.lines)),
        pa.array(examples.turns(), pa.int32()),
        pa.array(characters, pa.int64()),
        pa.array(-(-characters // CHARACTERS_PER_TOKEN), pa.int64()),
        flags,
        *(pa.nulls(number, pa.string()) for _ in files.ADDED_LATER),
    ]
    return pa.Table.from_arrays(columns, schema=EXAMPLE_SCHEMA)
