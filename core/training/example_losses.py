"""The file in a model's folder with the loss of each example of its dataset: written by the worker, read by
services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = "example_losses.parquet"


@dataclass(frozen=True, slots=True)
class LossRow:
    """One example under the finished model.

    `position` is its place in the dataset version, `loss` the mean over its `tokens` (those that carry loss), of which
    the model predicts `right` ones as its top token.
    """

    position: int
    split: str
    loss: float
    tokens: int
    right: int


def write(path: Path, rows: Sequence[LossRow]) -> None:
    """Write the file, one row per example."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema(
        [("position", pa.int64()), ("split", pa.string()), ("loss", pa.float32()), ("tokens", pa.int32()),
         ("right", pa.int32())]
    )  # fmt: skip
    columns = {name: [getattr(row, name) for row in rows] for name in schema.names}
    parquet.write_table(pa.table(columns, schema=schema), path)


def read(path: Path) -> list[LossRow]:
    """All rows, in the order of the dataset."""
    from pyarrow import parquet

    return [LossRow(**row) for row in parquet.read_table(path).to_pylist()]
