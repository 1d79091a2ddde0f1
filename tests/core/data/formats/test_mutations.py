"""Files damaged at random: no error but DataError, nothing lost, and every row on its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from core.data import formats
from core.data.formats import Detection
from core.errors import DataError
from core.messages import Reject, Row
from tests.core.data.formats.support import put
from tests.support.series import series
from tests.support.workbook import write_sheets

LENGTHY = settings(max_examples=series(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RECORDS = [
    {"id": f"{n:05}", "text": f'row {n}, with "quotes" and\nlines é 🏡', "more": "x" * (n % 7)} for n in range(12)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("mutations")


def _csv() -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(RECORDS[0]))
    writer.writeheader()
    writer.writerows(RECORDS)
    return out.getvalue().encode()


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(RECORDS), out)
    return out.getvalue()


def _xlsx(folder: Path) -> bytes:
    path = folder / "seed.xlsx"
    write_sheets(path, {"Data": [list(RECORDS[0]), *(list(row.values()) for row in RECORDS)]})
    return path.read_bytes()


SEEDS = {
    "a.csv": _csv(),
    "b.csv": _csv().decode().replace(",", ";").encode("utf-16"),
    "c.csv": _csv().decode().replace("🏡", "").encode("cp1252"),
    "a.json": json.dumps({"meta": {"n": 1}, "rows": RECORDS}, ensure_ascii=False, indent=1).encode(),
    "b.json": json.dumps(RECORDS).encode(),
    "a.jsonl": "".join(json.dumps(row) + "\n" for row in RECORDS).encode(),
    "b.jsonl": "".join(json.dumps(row, indent=2) + "\n" for row in RECORDS).encode(),
    "a.csv.gz": gzip.compress(_csv(), mtime=0),
}
BYTES = [
    b"\0",
    b"\xff",
    b'"',
    b"\n",
    b"\r",
    b",",
    b";",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b'""',
    b"\xff\xfe",
    b"\\ud800",
    b"NaN",
    b"PAR1",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"9" * 5_000,
    b"[" * 200,
]


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """A file after some cuts, insertions, flips and copies."""
    content = bytearray(seed)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        match draw(st.sampled_from(["insert", "delete", "flip", "copy", "cut"])):
            case "insert":
                content[at:at] = draw(st.sampled_from(BYTES))
            case "delete":
                del content[at : at + draw(st.integers(1, 40))]
            case "flip" if content:
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "copy":
                content[at:at] = content[at : at + draw(st.integers(1, 200))]
            case "cut":
                del content[at:]
    return bytes(content)


def _look_at(path: Path) -> None:
    """Check what must hold for every file; it may also be refused."""
    items: list[Row | Reject] | None
    try:
        found = formats.detect_file(path, path.name)
        items = list(formats.read(path, found))
    except DataError as error:
        refused = error
        items = None
    if items is None:
        assert refused.message
        assert refused.remedy
        return
    assert [item for batch in formats.read_batches(path, found, 5) for item in batch.items()] == items
    for item in items:
        assert item.line >= 1
        if isinstance(item, Row):
            assert item.fields
        else:
            assert item.findings[0].severity == "error" or item.findings[0].code == "header_repeated"
            assert item.findings[0].message
    assert Detection.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def _spans(items: list[Row | Reject], physical: list[str], end: str) -> list[tuple[Row | Reject, str]]:
    """Each item with its physical lines, up to where the next one begins; blank lines at the end do not count."""
    starts = [item.line for item in items]
    assert starts == sorted(set(starts))
    after = [*starts[1:], len(physical) + 1]
    spans = [end.join(physical[one - 1 : two - 1]) for one, two in zip(starts, after[: len(starts)], strict=True)]
    return list(zip(items, spans, strict=True))


@pytest.mark.parametrize("name", SEEDS)
def test_broken_files_raise_nothing_else(folder: Path, name: str) -> None:
    @LENGTHY
    @given(mutated(SEEDS[name]))
    def check(content: bytes) -> None:
        _look_at(put(folder, name, content))

    check()


@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx"])
def test_broken_containers_raise_nothing_else(folder: Path, name: str) -> None:
    seed = _parquet() if name == "a.parquet" else _xlsx(folder)

    @FEW
    @given(mutated(seed))
    def check(content: bytes) -> None:
        _look_at(put(folder, name, content))

    check()


LINE = st.one_of(
    st.sampled_from(
        ["a,b,c", "1,2", "1,2,3,4", '"x,y",2,3', '"a""b",2,3', '"never,2,3', '1,"x"y,3', "", "   ", ",,", "\0,1,2"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=15),
)


@LENGTHY
@given(st.lists(LINE, max_size=25), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
@example(['"', '"",'], "\n", False)
def test_every_line_of_a_table_is_in_a_row_or_a_reject(folder: Path, texts: list[str], end: str, header: bool) -> None:
    content = end.join(["h1,h2,h3", *texts]) if header else end.join(texts)
    path = put(folder, "lines.csv", content)
    found = Detection("csv", "utf-8", delimiter=",", quotechar='"', header=header, columns=("h1", "h2", "h3"))
    items = list(formats.read(path, found))
    physical = [line.rstrip("\r\n") for line in io.StringIO(content, newline="")]
    for item, span in _spans(items, physical, end):
        if isinstance(item, Reject):
            raw = item.raw.rstrip("\r\n")
            assert span.startswith(raw)
            assert not span[len(raw) :].strip(" \t\r\n")
        else:
            # The cells are what a plain reader returns for just these lines: nothing moved in from other lines.
            alone = list(csv.reader(io.StringIO(span, newline=""), strict=True))
            assert list(item.fields.values()) == alone[0]
            assert not any(any(cell.strip() for cell in cells) for cells in alone[1:])
    before = physical[int(header) : items[0].line - 1 if items else None]
    assert not "".join(before).strip(" \t")


JSON_LINE = st.one_of(
    st.dictionaries(st.text(max_size=4), st.text(max_size=6), max_size=3).map(json.dumps),
    st.sampled_from(
        ['{"a": ', '{"a": {"b": 1},', "}", "]", "null", "[1]", '{"a": NaN}', '"x"', "", "{", '{"a": 1}{"b": 2}']
    ),
)


@LENGTHY
@given(st.lists(JSON_LINE, max_size=20))
def test_every_line_of_json_lines_is_in_a_row_or_a_reject(folder: Path, texts: list[str]) -> None:
    path = put(folder, "lines.jsonl", "\n".join(texts))
    items = list(formats.read(path, Detection("jsonl", "utf-8", layout="lines")))
    for item, span in _spans(items, texts, "\n"):
        if isinstance(item, Reject):
            assert item.raw.strip() == span.strip()
        else:
            assert json.loads(span) == item.fields
    assert not "".join(texts[: items[0].line - 1] if items else texts).strip()
