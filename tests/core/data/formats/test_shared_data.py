"""Real data: JSON that every parser must accept, naughty strings, Parquet of other tools, tables and chats."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from core.data import formats
from core.data.formats import FORMATS
from core.data.formats.parsing.strict_json import loads
from core.errors import DataError
from core.messages import Reject
from tests.core.data.formats.support import WRITERS, detect, put, read, rejected, rows
from tests.support.workbook import write_sheets


def _codes(path: Path) -> set[str]:
    try:
        return {code for code, _ in rejected(read(path))}
    except DataError as error:
        return {error.code}


def _has_object(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and any(isinstance(item, dict) and item for item in value)


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "gzip"])
def test_valid_json_is_never_a_syntax_error(real_data: Path, tmp_path: Path, wrapped: bool) -> None:
    files = sorted((real_data / "json_valid").glob("y_*.json"))
    assert len(files) == 95
    for file in files:
        content = file.read_bytes()
        path = put(tmp_path, f"{file.name}.gz", gzip.compress(content)) if wrapped else file
        codes = _codes(path)
        value = json.loads(content)
        assert "json_syntax" not in codes, file.name
        if "duplicated_key" in file.name:
            assert codes == {"json_duplicate_key"}, file.name
        elif not _has_object(value):
            assert codes == {"json_no_rows"}, file.name
        elif "null" not in file.name:  # an escaped NUL is refused as NUL
            assert codes <= {"json_no_rows"}, file.name


def _naughty(real_data: Path) -> list[str]:
    return [text for text in loads((real_data / "naughty" / "blns.json").read_text("utf-8")) if "\0" not in text]


@pytest.mark.parametrize("kind", list(WRITERS))
def test_naughty_strings_come_back_unchanged(real_data: Path, tmp_path: Path, kind: str) -> None:
    naughty = _naughty(real_data)
    if kind == "xlsx":  # XML has no control characters, and reads a carriage return as a line feed
        naughty = [text for text in naughty if all(c in "\t\n" or c >= " " for c in text) and "\ufffe" not in text]
        naughty = [text for text in naughty if "\uffff" not in text]
    assert len(naughty) > 490
    path = tmp_path / f"naughty{FORMATS.get(kind).suffixes[0]}"
    WRITERS[kind](path, [{"id": str(n), "text": text} for n, text in enumerate(naughty)])
    found = read(path, header=True) if kind in ("csv", "xlsx") else read(path)
    assert [fields["text"] for _, fields in rows(found)] == naughty
    assert rejected(found) == []


def test_valid_parquet_is_read_to_its_end(real_data: Path) -> None:
    import pyarrow.parquet as pq

    for file in sorted((real_data / "parquet_valid").glob("*.parquet")):
        for way in ("keep", "text", "flatten"):
            items = read(file, nested=way)
            assert len(items) == pq.read_metadata(file).num_rows, file.name
            assert rejected(items) == []
            json.dumps([fields for _, fields in rows(items)], allow_nan=False)


@pytest.mark.parametrize("wrapping", ["csv", "gzip", "utf-16", "xlsx", "semicolon"])
def test_banking77_is_the_same_in_every_wrapping(real_data: Path, tmp_path: Path, wrapping: str) -> None:
    content = (real_data / "tables" / "banking77_train.csv").read_bytes()
    table = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    path = tmp_path / "upload.csv"
    if wrapping == "xlsx":
        write_sheets(path, {"Sheet": table})
    elif wrapping == "semicolon":
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, delimiter=";").writerows(table)
    else:
        text = content.decode("utf-8")
        path.write_bytes({"csv": content, "gzip": gzip.compress(content), "utf-16": text.encode("utf-16")}[wrapping])
    items = list(formats.read(path, detect(path)))
    assert not any(isinstance(item, Reject) for item in items)
    assert [list(fields.values()) for _, fields in rows(items)] == [
        [cell.replace("\r\n", "\n") if wrapping == "xlsx" else cell for cell in cells] for cells in table[1:]
    ]
    assert len(items) == 10_003
    batches = list(formats.read_batches(path, detect(path), 3_000))
    assert [item for batch in batches for item in batch.items()] == items


def test_chats_keep_their_lists(real_data: Path) -> None:
    for name, count, key in (
        ("chat/toy_chat_fine_tuning.jsonl", 5, "messages"),
        ("chat/sharegpt_dummy_conversation.json", 500, "conversations"),
        ("instruct/alpaca_en_demo.json", 999, "instruction"),
        ("instruct/identity.json", 91, "instruction"),
    ):
        found = rows(read(real_data / name))
        assert len(found) == count
        assert all(key in fields for _, fields in found)
