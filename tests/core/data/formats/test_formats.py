"""The contract that every format keeps, and detection by content."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from core.data import formats
from core.data.formats import FORMATS
from core.data.formats.base import Detection
from core.errors import DataError
from core.messages import Reject, Row
from tests.core.data.formats.support import WRITERS, detect, put, read, rows
from tests.support.series import series

ROWS = [{"q": 'a "b", c\nd', "a": "00123"}, {"q": "émoji 🏡\u2028x", "a": " "}]


@pytest.mark.parametrize("entry", [FORMATS.get(kind) for kind in WRITERS], ids=list(WRITERS))
def test_a_file_of_each_format_is_detected_and_read(tmp_path: Path, entry: formats.Format) -> None:
    path = tmp_path / f"rows{entry.suffixes[0]}"
    WRITERS[entry.id](path, ROWS)
    found = detect(path)
    assert found.format == entry.id
    assert found.notes
    assert [fields for _, fields in rows(read(path))] == ROWS
    assert Detection.from_dict(found.to_dict()) == found
    assert [item for batch in formats.read_batches(path, found) for item in batch.items()] == read(path)
    assert formats.choices(found, found)[0].id == "format"
    assert formats.facts(found)[0][1].startswith(entry.label)


def test_the_labels_of_all_formats() -> None:
    assert formats.labels() == "CSV, Excel, JSON, JSONL, Parquet or Text"


def _zip(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "word"),
    [(gzip.compress(gzip.compress(b"a,b\n1,2\n")), "gzip"), (_zip("a.csv"), "zip"),
     (_zip("word/document.xml"), "Word"),
     (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "Excel"), (b"%PDF-1.7\n", "PDF"),
     (b"SQLite format 3\0" + b"\0" * 50, "SQLite")],
    ids=["gzip in gzip", "zip", "docx", "Excel", "PDF", "SQLite"],  # gzip writes the time into its bytes
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet"])
def test_containers_get_a_clear_error(tmp_path: Path, content: bytes, word: str, name: str) -> None:
    with pytest.raises(DataError, match=word) as caught:
        read(put(tmp_path, name, content))
    assert caught.value.code == "container"
    assert caught.value.remedy


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(DataError) as caught:
            detect(path)
        assert caught.value.code == "file_missing"


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.csv")
    for path in (tmp_path / "rows.csv", Path("/dev/null"), Path("/dev/zero")):
        with pytest.raises(DataError, match="is not a file") as caught:
            detect(path)
        assert caught.value.code == "file_missing"


def test_text_that_only_looks_like_json(tmp_path: Path) -> None:
    assert detect(put(tmp_path, "a.txt", "[INST] hello [/INST] hi\n[INST] a [/INST] b\n")).format == "passages"


def test_an_override_of_the_format(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", '{"a": 1}\n{"a": 2}\n')
    assert detect(path, format="csv").format == "csv"
    with pytest.raises(DataError, match="Unknown file format"):
        detect(path, format="xml")


@settings(max_examples=series(250), deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from([b'"', b",", b"{", b"}", b"[", b"]", b":", b"\n", b"\r", b"a", b"1", b"\\", b"\xff",
                                  b"\0", b"\xef\xbb\xbf", b"PAR1", b'"a":', b"null", b";", b"\t"]), max_size=60)
        .map(b"".join),
    ),
    st.sampled_from(["a.csv", "a.json", "a.jsonl", "a.parquet", "a", "a.txt"]),
)  # fmt: skip
def test_no_bytes_raise_anything_but_data_errors(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = put(tmp_path_factory.getbasetemp(), name, content)
    try:
        items = read(path)
    except DataError:
        return
    for item in items:
        assert isinstance(item, Row | Reject)
        if isinstance(item, Reject):
            assert item.findings
            assert item.line >= 1


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet", "", ".dat"])
def test_a_table_with_a_wrong_suffix_is_a_table(tmp_path: Path, suffix: str) -> None:
    path = put(tmp_path, f"a{suffix}", "name;price\nx;1,5\ny;2,5\n")
    assert (detect(path).format, detect(path).delimiter) == ("csv", ";")
    assert len(rows(read(path))) == 2
    assert [item.code for item in detect(path).findings] == (["suffix_mismatch"] if len(suffix) > 4 else [])


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".txt", ".jsonl"])
def test_json_with_a_wrong_suffix_is_json(tmp_path: Path, suffix: str) -> None:
    path = put(tmp_path, f"a{suffix}", '[\n{"a": 1},\n{"a": 2}\n]')
    assert detect(path).format == "json"
