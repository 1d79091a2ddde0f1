"""Examples as a version's file stores them, with what the writer and the rules about a set need to know of each.

Made wherever there is time for it, such as in the process that reads the file, which can also save them where the
writer finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.examples.columns import ExampleBatch
from core.data.examples.identity import keys_without_calls
from core.data.examples.texts import Numbers, sizes
from core.data.versions import files
from core.data.versions.batch_file import BatchFile, SavedBatch
from core.data.versions.files import LABEL_CHARACTERS, UNSPLIT_SCHEMA
from core.messages import Finding, Reject, Split
from core.text import CHARACTERS_PER_TOKEN

DEFAULT_SEED: Final = 42  # of the choice of examples that are held out


@dataclass(frozen=True, slots=True)
class ReadyExamples:
    """Examples that follow each other, and the rejects between them.

    Attributes:
        batch: their columns, but for the positions, or where they are saved.
        keys: 64 bits each (see examples.identity). lines: the physical line of each.
        chances: `seeded_keys` of each, by the default seed.
        findings: of examples and rejects, in the order of the file.
    """

    batch: Any
    keys: Numbers
    chances: Numbers
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
        written = examples.messages_json() if len(examples) else pa.array([], pa.string())
        keys, chances = keys_without_calls(written, DEFAULT_SEED)
        batch = _batch(examples, written) if len(examples) else pa.RecordBatch.from_pylist([], UNSPLIT_SCHEMA)
        return cls(batch, keys, chances, examples.lines, examples.split, findings, rejects)

    def saved(self, file: BatchFile) -> Self:
        """The same, with the columns in a file."""
        if not len(self) or isinstance(self.batch, SavedBatch):
            return self
        return replace(self, batch=file.add(self.batch))


def as_numbers(lines: Sequence[int]) -> Numbers:
    """Lines as a numpy array."""
    if isinstance(lines, range):
        return np.arange(lines.start, lines.stop, lines.step, dtype=np.int64)
    return np.array(lines, np.int64)


def _batch(examples: ExampleBatch, written: Any) -> Any:
    number, characters, answers = len(examples), examples.characters(), examples.answers()
    if (sizes(answers) > LABEL_CHARACTERS).any():
        answers = pc.utf8_slice_codeunits(answers, 0, LABEL_CHARACTERS)
    flags: Any = pa.ListArray.from_arrays(pa.array(np.zeros(number + 1, np.int32)), pa.array([], pa.string()))
    if examples.findings:
        codes: list[list[str]] = [[]] * number
        for index, found in examples.findings.items():
            codes[index] = sorted({item.code for item in found})
        flags = pa.array(codes, files.FLAGS)
    columns = [
        written,
        answers,
        pa.repeat(pa.scalar(examples.split), number),
        pa.repeat(pa.scalar(examples.source), number),
        pa.array(as_numbers(examples.lines)),
        pa.array(examples.turns(), pa.int32()),
        pa.array(characters, pa.int64()),
        pa.array(-(-characters // CHARACTERS_PER_TOKEN), pa.int64()),
        flags,
        *(pa.nulls(number, pa.string()) for _ in files.ADDED_LATER),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=UNSPLIT_SCHEMA)
