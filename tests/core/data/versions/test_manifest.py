"""The manifest of a version: one typed record, equal after JSON, readable when an earlier release wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.data.versions import manifest
from core.data.versions.manifest import Change, Counts, HoldOut, Manifest, RowCounts, SourceFile, StoredFile
from core.errors import StorageError

FULL = Manifest(
    dataset_id="ds_1",
    version_id="ds_1-v2",
    number=2,
    created_at=1_700_000_000.5,
    origin="convert",
    counts=Counts(10, 8, 2, 1, read=11, accepted=10, rejected=1),
    examples_sha256="ab",
    split=HoldOut(42, 2),
    findings={"error": 1, "warning": 0, "info": 0},
    rules=3,
    parents=("ds_1-v1",),
    change=Change("drop_rows", "Dropped 2 examples.", parameters={"positions": [0, 4]}, removed=2),
    source=SourceFile("src_1", "a.csv", "cd", 120, "csv", "utf-8", {"delimiter": ";"}),
    validation_source=SourceFile("src_2", "b.csv", "ef", 90, counts=RowCounts(3, 2, 1)),
    recipe={"template": "qa"},
    files={"examples.parquet": StoredFile("01", 2_000)},
)


def test_it_survives_json() -> None:
    assert Manifest.from_dict(json.loads(json.dumps(FULL.to_dict()))) == FULL


def test_it_is_written_beside_the_files(tmp_path: Path) -> None:
    FULL.write(tmp_path)
    assert Manifest.from_dict(json.loads((tmp_path / manifest.FILE).read_text())) == FULL


def test_one_without_a_schema_version_can_be_read() -> None:
    """As written before there was a schema: empty parts were null, and the origin could be missing."""
    raw = FULL.to_dict()
    del raw["schema_version"]
    raw.update(origin=None, change=None, source=None, validation_source=None, recipe=None)
    raw["counts"] = {"examples": 10, "train": 8, "validation": 2, "rejects": 1}
    read = Manifest.from_dict(raw)
    assert read == replace(
        FULL, origin="", change=None, source=None, validation_source=None, recipe=None, counts=Counts(10, 8, 2, 1)
    )


def test_fields_of_a_later_release_are_ignored() -> None:
    raw = {**FULL.to_dict(), "schema_version": 7, "signature": "x"}
    assert Manifest.from_dict(raw) == replace(FULL, schema_version=7)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"counts": None}, "counts"), ({"number": "two"}, "number"), ({"split": {"seed": 1}}, "split.held_out")],
)
def test_a_damaged_one_is_refused_with_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(StorageError, match=f"`{field}`"):
        Manifest.from_dict({**FULL.to_dict(), **change})
