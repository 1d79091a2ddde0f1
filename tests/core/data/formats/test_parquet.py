"""Parquet: every type becomes JSON; damaged files and decompression bombs are refused with a reason."""

from __future__ import annotations

import datetime
import decimal
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError
from tests.core.data.formats.support import detect, put, read, rows


def write(folder: Path, values: list[dict[str, Any]], name: str = "a.parquet", **options: Any) -> Path:
    path = folder / name
    pq.write_table(pa.Table.from_pylist(values), path, **options)
    return path


def test_types_arrive_as_json(tmp_path: Path) -> None:
    value = {
        "text": "00123",
        "number": 7,
        "real": 1.5,
        "flag": True,
        "none": None,
        "day": datetime.date(2026, 3, 1),
        "at": datetime.datetime(2026, 3, 1, 12, 30),
        "price": decimal.Decimal("12.50"),
        "utf8": "schön".encode(),
        "raw": b"\xff\x00",
        "nested": [{"role": "user", "content": "x"}],
    }
    found = rows(read(write(tmp_path, [value, value])))
    assert [line for line, _ in found] == [1, 2]
    assert found[0][1] == {
        **value,
        "day": "2026-03-01",
        "at": "2026-03-01T12:30:00",
        "price": "12.50",
        "utf8": "schön",
        "raw": "/wA=",
    }


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = write(tmp_path, [{"a": "1"}], "a.csv")
    assert detect(path).format == "parquet"
    assert "suffix_mismatch" in [item.code for item in detect(path).findings]


@pytest.mark.parametrize("name", ["alltypes_plain", "alltypes_plain.snappy", "binary", "int32_decimal",
                                  "nested_lists.snappy", "nested_maps.snappy"])  # fmt: skip
def test_real_files(real_data: Path, name: str) -> None:
    path = real_data / "parquet_valid" / f"{name}.parquet"
    items = read(path)
    assert len(items) == pq.ParquetFile(path).metadata.num_rows
    for _, fields in rows(items):
        json.dumps(fields, allow_nan=False)


def test_nested_maps_become_objects(real_data: Path) -> None:
    fields = rows(read(real_data / "parquet_valid" / "nested_maps.snappy.parquet"))[0][1]
    assert fields["a"] == {"a": {"1": True, "2": False}}


@pytest.mark.parametrize("cut", [3, 100, -1, -4, -20])
def test_truncated(tmp_path: Path, cut: int) -> None:
    whole = write(tmp_path, [{"a": "x" * 50, "b": n} for n in range(100)]).read_bytes()
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, "b.parquet", whole[:cut]))
    assert caught.value.code == "parquet_unreadable"
    assert "\n" not in caught.value.message


def test_damaged_in_the_middle(tmp_path: Path) -> None:
    whole = bytearray(write(tmp_path, [{"a": f"{n}" * 50} for n in range(500)]).read_bytes())
    whole[20:400] = b"\xff" * 380
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, "b.parquet", bytes(whole)))
    assert caught.value.code in ("parquet_unreadable", "parquet_too_large")


def test_no_rows_bad_magic_encrypted(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), tmp_path / "a.parquet")
    for path, code in [
        (tmp_path / "a.parquet", "no_rows"),
        (put(tmp_path, "b.parquet", b"PARX" + b"\0" * 50), "parquet_unreadable"),
        (put(tmp_path, "c.parquet", b"PARE" + b"\0" * 50 + b"PARE"), "parquet_encrypted"),
    ]:
        with pytest.raises(DataError) as caught:
            read(path)
        assert caught.value.code == code


def test_a_small_file_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    """Twenty thousand cells of one long value are a few kilobytes on disk and tens of gigabytes unpacked."""
    value = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["x" * 1_000_000]))
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"a": value}), path, compression="zstd", row_group_size=20_000)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(DataError) as caught:
        detect(path)
    assert caught.value.code == "parquet_too_large"


def test_two_columns_of_one_name_both_keep_their_values(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table([pa.array(["x"]), pa.array(["y"])], names=["q", "q"]), path)
    assert rows(read(path)) == [(1, {"q": "x", "q_2": "y"})]
    assert [(item.code, item.line) for item in detect(path).findings] == [("csv_header", None)]
