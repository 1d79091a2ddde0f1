"""Parquet as pandas, DuckDB and Hugging Face write it: every row of the source comes back, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError
from tests.core.data.formats.support import detect, read, rows


def _table(name: str, count: int) -> Any:
    return pa.table(
        {"question": [f"What is {name} {n}?" for n in range(count)], "answer": [f"It is {n}." for n in range(count)]}
    )


def _fields(path: Path) -> list[dict[str, Any]]:
    return [fields for _, fields in rows(read(path))]


def _codes(path: Path) -> list[str]:
    return [item.code for item in detect(path).findings]


def test_empty_row_groups_are_passed_over(tmp_path: Path) -> None:
    path, table = tmp_path / "a.parquet", _table("lock", 5)
    with pq.ParquetWriter(path, table.schema) as out:
        for part in (table.slice(0, 0), table.slice(0, 3), table.slice(0, 0), table.slice(3, 2), table.slice(0, 0)):
            out.write_table(part)
    assert _fields(path) == table.to_pylist()


@pytest.mark.parametrize("counts", [(5, 5), (5, 50), (50, 5), (3, 4, 5)])
def test_joined_files_are_refused_not_half_read(tmp_path: Path, counts: tuple[int, ...]) -> None:
    """The positions in the last footer lead into the first file, whose rows would be taken for the last one's."""
    joined = b""
    for number, count in enumerate(counts):
        pq.write_table(_table(f"berth {number}", count), tmp_path / "part.parquet")
        joined += (tmp_path / "part.parquet").read_bytes()
    path = tmp_path / "joined.parquet"
    path.write_bytes(joined)
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.code == "parquet_joined"


def test_a_text_about_parquet_is_not_a_joined_file(tmp_path: Path) -> None:
    table = pa.table({"q": ["PAR1PAR1", "x"], "a": ["1", "2"]})
    pq.write_table(table, tmp_path / "a.parquet", compression="none", use_dictionary=False)
    assert b"PAR1PAR1" in (tmp_path / "a.parquet").read_bytes()
    assert _fields(tmp_path / "a.parquet") == table.to_pylist()


def test_dates_that_python_has_no_type_for_are_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "q": ["a", "b", "c"],
            "day": pa.array([0, 5_000_000, -800_000], pa.date32()),
            "at": pa.array([0, 300_000_000_000_000_000, None], pa.timestamp("us")),
            "days": pa.array([[0, 5_000_000], [], None], pa.list_(pa.date32())),
            "inner": pa.array([{"day": 5_000_000}, {"day": 0}, None], pa.struct([("day", pa.date32())])),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    found = _fields(tmp_path / "a.parquet")
    assert [row["day"] for row in found] == ["1970-01-01", "15659-07-15", "-0221-09-04"]
    assert [row["at"] for row in found] == ["1970-01-01T00:00:00", "11476-08-15T05:20:00", None]
    assert [row["days"] for row in found] == [["1970-01-01", "15659-07-15"], [], None]
    assert [row["inner"] for row in found] == [{"day": "15659-07-15"}, {"day": "1970-01-01"}, None]


def test_row_numbers_of_pandas_are_left_out_and_said(tmp_path: Path) -> None:
    frame = pd.DataFrame({"question": ["a?", "b?"], "answer": ["1", "2"]}, index=[5, 7])
    frame.to_parquet(tmp_path / "a.parquet")
    assert _fields(tmp_path / "a.parquet") == frame.to_dict("records")
    assert _codes(tmp_path / "a.parquet") == ["parquet_index"]


def test_an_index_with_a_name_is_a_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"question": ["a?", "b?"], "answer": ["1", "2"]})
    frame.set_index("question").to_parquet(tmp_path / "a.parquet")
    found = _fields(tmp_path / "a.parquet")
    assert sorted(found[0]) == ["answer", "question"]
    assert _codes(tmp_path / "a.parquet") == []


def _with_features(table: Any, features: dict[str, Any]) -> Any:
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def test_numbers_of_labels_become_their_names(tmp_path: Path) -> None:
    def label(*names: str) -> dict[str, Any]:
        return {"names": list(names), "_type": "ClassLabel"}

    values = pa.table(
        {
            "text": ["v", "w", "x", "y"],
            "label": [0, 1, -1, 7],
            "tags": [[0, 2], [1], None, []],
            "more": [[0], [1, 1], None, []],
            "inner": [{"kind": 0}, {"kind": 1}, {"kind": None}, None],
        }
    )
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "label": label("negative", "positive"),
        "tags": {"feature": label("a", "b", "c"), "_type": "Sequence"},
        "more": [label("d", "e")],
        "inner": {"kind": label("u", "v")},
    }
    path = tmp_path / "a.parquet"
    pq.write_table(_with_features(values, features), path)
    found = _fields(path)
    assert [row["label"] for row in found] == ["negative", "positive", None, 7]
    assert [row["tags"] for row in found] == [["a", "c"], ["b"], None, []]
    assert [row["more"] for row in found] == [["d"], ["e", "e"], None, []]
    assert [row["inner"] for row in found] == [{"kind": "u"}, {"kind": "v"}, {"kind": None}, None]
    assert [item.field for item in detect(path).findings] == ["label", "tags", "more", "inner"]


@pytest.mark.parametrize("metadata", ["{", "[]", '{"info": 7}', '{"info": {"features": {"label": {"names": 7}}}}'])
def test_metadata_that_says_nothing_changes_nothing(tmp_path: Path, metadata: str) -> None:
    table = pa.table({"text": ["a"], "label": [1]}).replace_schema_metadata(
        {"huggingface": metadata, "pandas": metadata}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert _fields(tmp_path / "a.parquet") == [{"text": "a", "label": 1}]


def test_dictionary_columns_are_their_values(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["a", "b", "c"], "kind": pd.Categorical(["x", None, "x"])})
    frame.to_parquet(tmp_path / "a.parquet")
    assert [row["kind"] for row in _fields(tmp_path / "a.parquet")] == ["x", None, "x"]


def test_the_shared_file_of_class_labels(real_data: Path) -> None:
    found = _fields(real_data / "cases" / "class_labels.parquet")
    assert len(found) == 24
    assert all(row["label"] == ("negative" if "foul" in row["text"] else "positive") for row in found)
