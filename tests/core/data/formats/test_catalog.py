"""The catalog of bad inputs, one entry each: which rows are read, which are rejected, which files are refused.

Every entry is also held to what holds for all: batches and rows agree, every reject keeps its text, line and remedy.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data import formats
from core.errors import DataError
from core.messages import Reject
from tests.core.data.formats.support import detect, put, read, rejected, rows
from tests.support.workbook import write_sheets


@dataclass(frozen=True)
class Entry:
    """`good`: lines of the rows read; `bad`: (code, line) of the rejects; `refused`: code of the whole file."""

    id: str
    name: str
    content: bytes
    good: list[int] = field(default_factory=list)
    bad: list[tuple[str, int]] = field(default_factory=list)
    refused: str = ""
    findings: list[str] = field(default_factory=list)
    overrides: dict[str, Any] = field(default_factory=dict)


def text(value: str, codec: str = "utf-8") -> bytes:
    return value.encode(codec)


def lines(*values: str) -> bytes:
    return "".join(value + "\n" for value in values).encode()


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def workbook(tmp: Path, sheets: dict[str, list[list[str]]]) -> bytes:
    write_sheets(tmp / "made.xlsx", sheets)
    return (tmp / "made.xlsx").read_bytes()


PAIRS = "q,a\none,x\ntwo,y\nthree,z\n"
GOOD = '{"a": 1}'
ROWS_3 = [2, 3, 4]
JAPANESE = "質問,答え\nこれは何ですか,熊手です\nどこにありますか,物置の中です\nいくらですか,四ユーロです\n"
JAPANESE_ROWS = JAPANESE.split("\n", 1)[1]
EMOJI = "q,a\n👩‍👩‍👧 family,🏡\nflag 🇪🇺,x\n"

ENCODINGS = [
    Entry("UTF-8 BOM is stripped", "a.csv", text(PAIRS, "utf-8-sig"), ROWS_3),
    Entry("UTF-8 BOM before JSON", "a.json", text('[{"a": 1}]', "utf-8-sig"), [1]),
    Entry("UTF-8 BOM before JSON lines", "a.jsonl", text('{"a": 1}\n{"a": 2}\n', "utf-8-sig"), [1, 2]),
    Entry("UTF-16 with BOM", "a.csv", text(PAIRS, "utf-16"), ROWS_3),
    Entry("UTF-16 BE with BOM", "a.csv", b"\xfe\xff" + text(PAIRS, "utf-16-be"), ROWS_3),
    Entry("UTF-32 with BOM", "a.csv", text(PAIRS, "utf-32"), ROWS_3),
    Entry("UTF-16 without BOM", "a.csv", text(PAIRS, "utf-16-le"), ROWS_3),
    Entry("UTF-16 JSON", "a.json", text('[{"a": "é"}]', "utf-16"), [1]),
    Entry("cp1252", "a.csv", text("q,a\nwo ist das Café,im Gebäude\nüber Österreich,schön\n", "cp1252"), [2, 3],
          findings=["encoding_guessed"]),
    Entry("Shift-JIS", "a.csv", text(JAPANESE + JAPANESE_ROWS * 2, "shift_jis"), list(range(2, 11)),
          findings=["encoding_guessed"]),
    Entry("invalid bytes reject the row", "a.csv", b"q,a\none,x\nt\xffwo,y\nthree,z\n", [2, 4], [("encoding", 3)]),
    Entry("invalid bytes in JSON lines", "a.jsonl", b'{"a": 1}\n{"a": "\xff"}\n{"a": 3}\n', [1, 3], [("encoding", 2)]),
    Entry("mixed newlines", "a.csv", b"q,a\r\n1x,b\n2x,c\r3x,d\r\n", [2, 3, 4]),
    Entry("NUL", "a.csv", b"q,a\none,x\nt\0wo,y\nthree,z\n", [2, 4], [("nul", 3)]),
    Entry("NUL in JSON lines", "a.jsonl", b'{"a": 1}\n{"a": "x\0"}\n{"a": "\\u0000"}\n{"a": 4}\n', [1, 4],
          [("nul", 2), ("nul", 3)]),
    Entry("lone surrogate", "a.jsonl", lines(GOOD, '{"a": "\\ud83d"}', GOOD), [1, 3], [("lone_surrogate", 2)]),
    Entry("U+2028 inside a string is no line end", "a.csv", text("q,a\none\u2028two,x\nthree,\u2029\n"), [2, 3]),
    Entry("U+2028 in JSON lines", "a.jsonl", text('{"a": "x\u2028y\x85z"}\n{"a": 2}\n'), [1, 2]),
    Entry("zero-width and bidi are kept", "a.csv", text("q,a\nze\u200bro,\u202egnp\nx,y\n"), [2, 3]),
    Entry("emoji are lossless", "a.csv", text(EMOJI), [2, 3]),
]  # fmt: skip

DEEP = '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"
JSON = [
    Entry("10 MB line limit", "a.jsonl", lines(GOOD, '{"a": "' + "x" * 10_000_100 + '"}', GOOD), [1, 3],
          [("json_too_long", 2)]),
    Entry("100,000 nested brackets", "a.jsonl", lines(GOOD, DEEP, GOOD), [1, 3], [("json_depth", 2)]),
    Entry("100,000 nested brackets in an array", "a.json", lines("[", GOOD + ",", DEEP + ",", GOOD, "]"), [2, 4],
          [("json_depth", 3)]),
    Entry("duplicate keys", "a.jsonl", lines(GOOD, '{"a": 1, "a": 2}', GOOD), [1, 3], [("json_duplicate_key", 2)]),
    Entry("NaN", "a.jsonl", lines(GOOD, '{"a": NaN}', GOOD), [1, 3], [("json_syntax", 2)]),
    Entry("Infinity", "a.jsonl", lines(GOOD, '{"a": -Infinity}', GOOD), [1, 3], [("json_syntax", 2)]),
    Entry("1e400", "a.jsonl", lines(GOOD, '{"a": 1e400}', GOOD), [1, 3], [("json_number", 2)]),
    Entry("5,000-digit integer", "a.jsonl", lines(GOOD, '{"a": ' + "7" * 5_000 + "}", GOOD), [1, 3],
          [("json_number", 2)]),
    Entry("comments", "a.jsonl", lines(GOOD, '{"a": 1} // why', GOOD, "# no", GOOD), [1, 3, 5],
          [("json_syntax", 2), ("json_syntax", 4)]),
    Entry("two objects on a line", "a.jsonl", lines(GOOD, GOOD + GOOD, GOOD), [1, 3], [("json_syntax", 2)]),
    Entry("pretty-printed JSON named .jsonl", "a.jsonl", lines("{", ' "a": 1', "}", "{", ' "a": 2', "}"), [1, 4]),
    Entry("pretty-printed among single lines", "a.jsonl",
          lines(GOOD, GOOD, GOOD, "{", '  "a": {', '    "b": 1', "  }", "}", GOOD, GOOD, GOOD),
          [1, 2, 3, 4, 9, 10, 11]),
    Entry("cut off among single lines", "a.jsonl", lines(GOOD, GOOD, '{"a": {', GOOD, GOOD, GOOD), [1, 2, 4, 5, 6],
          [("json_syntax", 3)]),
    Entry("an array named .jsonl", "a.jsonl", lines("[", GOOD + ",", GOOD, "]"), [2, 3]),
    Entry("blank lines", "a.jsonl", lines(GOOD, "", "   ", GOOD, "\t"), [1, 4]),
    Entry("truncated last line", "a.jsonl", lines(GOOD, GOOD) + b'{"a": "cu', [1, 2], [("json_syntax", 3)]),
    Entry("truncated array", "a.json", b'[\n{"a": 1},\n{"a": 2},\n{"a": "cu', [2, 3], [("json_syntax", 4)]),
    Entry("scalars", "a.jsonl", lines(GOOD, "42", '"text"', "null", "true", GOOD), [1, 6],
          [("json_no_rows", line) for line in (2, 3, 4, 5)]),
    Entry("a scalar alone", "a.json", b"42", [], [("json_no_rows", 1)]),
    Entry("empty file", "a.jsonl", b"", refused="empty_file"),
    Entry("blank file", "a.json", b" \n\n", refused="empty_file"),
    Entry("empty array", "a.json", b"[]", refused="json_no_rows"),
    Entry("nested objects", "a.json", b'{"meta": {"n": 2}, "data": {"rows": [{"a": 1}, {"a": 2}]}}', [1, 1]),
    Entry("another array is chosen", "a.json", b'{"x": [{"a": 1}, {"a": 2}], "y": [{"b": 3}]}', [1],
          overrides={"array_path": ("y",)}),
    Entry("no array at the place chosen", "a.json", b'{"x": [{"a": 1}]}', refused="json_no_rows",
          overrides={"array_path": ("z",)}),
]  # fmt: skip

WIDE = ",".join(f"c{n}" for n in range(10_000))
CSV = [
    Entry("header only", "a.csv", b"question,answer\n", refused="no_rows"),
    Entry("no header", "a.csv", b"What is it?,A rake.\nWhere is it?,In the shed.\n", [1, 2]),
    Entry("ragged rows", "a.csv", b"a,b,c\n1,2,3\n1,2\n1,2,3,4\n4,5,6\n", [2, 5],
          [("csv_ragged", 3), ("csv_ragged", 4)]),
    Entry("embedded newlines: the physical line", "a.csv", b'q,a\n"one\ntwo\n",x\nshort\nnext,y\n', [2, 6],
          [("csv_ragged", 5)]),
    Entry("embedded quotes", "a.csv", b'q,a\n"say ""hi""",x\nsay "hi",y\n', [2, 3]),
    Entry("text after a closing quote", "a.csv", b'q,a\n"x"y,2\n3,4\n', [3], [("csv_quote", 2)]),
    Entry("unclosed quote: where it opened", "a.csv", b'q,a\n1,x\n2,"open\n3,y\n4,z\n', [2, 4, 5],
          [("csv_unclosed_quote", 3)]),
    Entry("unclosed quote at the end", "a.csv", b'q,a\n1,x\n2,"open', [2], [("csv_unclosed_quote", 3)]),
    Entry("semicolon", "a.csv", b"q;a\n1,5;x\n2,5;y\n", [2, 3]),
    Entry("tab", "a.csv", b"q\ta\n1,5\tx\n2,5\ty\n", [2, 3]),
    Entry("pipe", "a.csv", b"q|a\n1,5|x\n2,5|y\n", [2, 3]),
    Entry("duplicate header", "a.csv", b"name,name\nx,y\nz,w\n", [2, 3], findings=["csv_header"]),
    Entry("headers that differ in case", "a.csv", b"Name,name\nx,y\nz,w\n", [2, 3], findings=["csv_header"]),
    Entry("blank header", "a.csv", b"name,\nx,y\nz,w\n", [2, 3], findings=["csv_header"]),
    Entry("10,000 columns", "a.csv", lines(WIDE, WIDE.upper(), WIDE.title()), [2, 3]),
    Entry("1 MB cells", "a.csv", b"q,a\n" + b"x" * 1_000_000 + b",y\nz,w\n", [2, 3]),
    Entry("a line above 10 MB", "a.csv", b"q,a\n" + b"x" * 10_000_100 + b",y\nz,w\n", [3], [("csv_too_long", 2)]),
    Entry("preamble", "a.csv", b"Report of March\n\nid,q,a\n1,x,y\n2,z,w\n3,v,u\n", [4, 5, 6],
          findings=["csv_preamble"]),
    Entry("preamble filled up with empty cells", "a.csv", b"Report;;\nof March;;\nid;q;a\n1;x;y\n2;z;w\n3;v;u\n",
          [4, 5, 6], findings=["csv_preamble"]),
    Entry("00123, NA and TRUE stay text", "a.csv", b"id,v,w\n00123,NA,TRUE\n1e5,null,-0\n", [2, 3]),
    Entry("formula cells are kept", "a.csv", b"q,a\n=SUM(A1),+1\n@x,-2\n", [2, 3]),
    Entry("empty lines between rows", "a.csv", b"q,a\n\n1x,x\n\n\n2x,y\n", [3, 6]),
    Entry("the line that Excel writes", "a.csv", b"sep=;\nq;a\n1,5;x\n", [3]),
]  # fmt: skip

PQ = parquet(q=["one", "two"], a=["x", "y"])
NESTED = parquet(m=[[{"role": "user", "content": "x"}], []], d=[{"k": 1}, {"k": 2}])
CONTAINERS = [
    Entry("Parquet truncated", "a.parquet", PQ[: len(PQ) // 2], refused="parquet_unreadable"),
    Entry("Parquet, bad magic at the end", "a.parquet", PQ[:-4] + b"XXXX", refused="parquet_unreadable"),
    Entry("Parquet by name only", "a.parquet", b"PARTY\n", refused="parquet_unreadable"),
    Entry("Parquet, nested", "a.parquet", NESTED, [1, 2]),
    Entry("Parquet, binary", "a.parquet", parquet(b=[b"\xff\x00", b"ok"]), [1, 2], findings=["binary_as_base64"]),
    Entry("Parquet, zero rows", "a.parquet", parquet(a=pa.array([], pa.string())), refused="no_rows"),
    Entry("Parquet, encrypted", "a.parquet", b"PARE" + b"x" * 100 + b"PARE", refused="parquet_encrypted"),
    Entry("Parquet, wrong extension", "a.csv", PQ, [1, 2], findings=["suffix_mismatch"]),
    Entry("Parquet, one text that is not UTF-8", "a.parquet",
          parquet(a=pa.array([b"one", b"t\xffwo", b"three"]).view(pa.string())), [1, 3], [("encoding", 2)]),
    Entry("gzip named .csv", "a.csv", gzip.compress(PAIRS.encode()), ROWS_3, findings=["suffix_mismatch"]),
    Entry("gzip", "a.jsonl.gz", gzip.compress(lines(GOOD, GOOD)), [1, 2]),
    Entry("gzip of two members", "a.csv.gz", gzip.compress(b"q,a\n1x,y\n") + gzip.compress(b"2x,y\n"), [2, 3]),
    Entry("gzip garbage", "a.csv", b"\x1f\x8b" + b"x" * 40, refused="gzip_damaged"),
    Entry("gzip of nothing", "a.csv.gz", gzip.compress(b""), refused="empty_file"),
    Entry("gzip of Parquet", "a.parquet.gz", gzip.compress(PQ), refused="container"),
    Entry("tar", "a.csv", b"a.csv".ljust(257, b"\0") + b"ustar" + b"\0" * 250, refused="container"),
    Entry("zip named .xlsx", "a.xlsx", base64.b64decode("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="), refused="container"),
    Entry("old Excel", "a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, refused="container"),
    Entry("xlsx truncated", "a.xlsx", b"PK\x03\x04" + b"xl/workbook.xml" * 20, refused="xlsx_unreadable"),
    Entry("SQLite", "a.csv", b"SQLite format 3\0" + b"\0" * 90, refused="container"),
]  # fmt: skip

EVERY = [*ENCODINGS, *JSON, *CSV, *CONTAINERS]


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.id)
def test_bad_input(tmp_path: Path, entry: Entry) -> None:
    path = put(tmp_path, entry.name, entry.content)
    if entry.refused:
        with pytest.raises(DataError) as caught:
            read(path, **entry.overrides)
        assert caught.value.code == entry.refused
        assert caught.value.message
        assert caught.value.remedy
        return
    found = detect(path, **entry.overrides)
    items = list(formats.read(path, found))
    assert [line for line, _ in rows(items)] == entry.good
    assert rejected(items) == entry.bad
    assert {item.code for item in found.findings} >= set(entry.findings)
    assert [item for batch in formats.read_batches(path, found, 2) for item in batch.items()] == items
    for item in items:
        if isinstance(item, Reject):
            assert item.raw
            assert item.findings[0].remedy
            assert all(found.severity == "error" for found in item.findings)


def test_rejected_text_is_stored_verbatim(tmp_path: Path) -> None:
    bad = ["1,2", '"x\ny",2,3,4', '"x"y,2,3', "=1,2"]
    path = put(tmp_path, "a.csv", "a,b,c\n" + "\n".join(f"{text}\n1,2,3" for text in bad) + "\n")
    assert [item.raw for item in read(path) if isinstance(item, Reject)] == bad


def test_values_are_read_unchanged(tmp_path: Path) -> None:
    assert rows(read(put(tmp_path, "a.csv", EMOJI)))[0][1] == {"q": "👩‍👩‍👧 family", "a": "🏡"}
    path = put(tmp_path, "b.csv", "id,v,w\n00123,NA,TRUE\n=SUM(A1),\u202egnp,ze\u200bro\n")
    assert [list(fields.values()) for _, fields in rows(read(path))] == [
        ["00123", "NA", "TRUE"],
        ["=SUM(A1)", "\u202egnp", "ze\u200bro"],
    ]
    path = put(tmp_path, "c.csv", JAPANESE.encode("shift_jis") * 3)
    assert rows(read(path))[0][1] == {"質問": "これは何ですか", "答え": "熊手です"}


def test_preamble_is_shown(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "Report;;\r\nof March;;\r\nid;q;a\r\n1;x;y\r\n2;z;w\r\n3;v;u\r\n")
    assert detect(path).preamble == ("Report;;", "of March;;")
    assert (detect(path).columns, detect(path).skip_lines) == (("id", "q", "a"), 2)


def test_every_array_is_offered(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", '{"x": [{"a": 1}, {"a": 2}], "deep": {"y": [{"b": 3}]}, "n": [1, 2]}')
    found = detect(path)
    assert [(array.path, array.count) for array in found.arrays] == [(("x",), 2), (("deep", "y"), 1), ((), 1)]
    assert found.array_path == ("x",)
    assert rows(read(path, array_path=["deep", "y"]))[0][1] == {"b": 3}
    assert list(rows(read(path, array_path=()))[0][1]) == ["x", "deep", "n"]
    assert formats.Detection.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_nested_values_by_choice(tmp_path: Path) -> None:
    path = put(tmp_path, "a.parquet", NESTED)
    assert detect(path).nested == "keep"
    assert rows(read(path))[0][1] == {"m": [{"role": "user", "content": "x"}], "d": {"k": 1}}
    assert rows(read(path, nested="flatten"))[1][1] == {"m": "[]", "d.k": 2}
    assert rows(read(path, nested="text"))[1][1] == {"m": "[]", "d": '{"k": 2}'}
    path = put(tmp_path, "a.jsonl", lines('{"a": {"b": {"c": 1}}, "a.b.c": 2, "e": {}}', '{"a": 3}'))
    assert rows(read(path, nested="flatten"))[0][1] == {"a.b.c_2": 1, "a.b.c": 2, "e": "{}"}
    with pytest.raises(DataError, match="'explode' is not possible"):
        detect(path, nested="explode")


# ---- gzip


def test_a_cut_gzip_file_is_read_up_to_the_cut(tmp_path: Path) -> None:
    body = "q,a\n" + "".join(f"{n},{n * 7919 % 10_007} words {n * 31 % 997}\n" for n in range(20_000))
    packed = gzip.compress(body.encode())
    for name in ("a.csv.gz", "a.csv"):
        path = put(tmp_path, name, packed[: len(packed) // 2])
        items = read(path)
        good = [fields for _, fields in rows(items)]
        assert 1_000 < len(good) < 20_000
        assert [fields["q"] for fields in good] == [str(n) for n in range(len(good))]
        assert [code for code, _ in rejected(items)] == ["gzip_damaged"]
        last = items[-1]
        assert isinstance(last, Reject)
        assert body.startswith(last.raw, body.index(f"\n{len(good)},") + 1)


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.data.formats.parsing.compression.MAX_UNPACKED_BYTES", 5_000_000)
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, "a.csv.gz", gzip.compress(b"q,a\n" + b"x,y\n" * 2_000_000)))
    assert caught.value.code == "gzip_too_large"


# ---- workbooks


def test_a_workbook_and_its_sheets(tmp_path: Path) -> None:
    content = workbook(tmp_path, {
        "Notes": [],
        "Data": [["Report", "", ""], [], ["id", "q", "a"], ["00123", "one\ntwo", "=1+1"], [],
                 ["2", " x ", ""], ["3", "<b>", "é"]],
        "Other & more": [["n", "m"], ["1", "x"], ["2", "y"]],
    })  # fmt: skip
    path = put(tmp_path, "a.csv", content)
    found = detect(path)
    assert (found.format, found.sheet, found.header) == ("xlsx", "Data", True)
    assert [(sheet.name, sheet.rows) for sheet in found.sheets] == [("Notes", 0), ("Data", 7), ("Other & more", 3)]
    assert found.preamble == ("Report",)
    assert rows(read(path)) == [
        (4, {"id": "00123", "q": "one\ntwo", "a": "=1+1"}),
        (6, {"id": "2", "q": " x ", "a": ""}),
        (7, {"id": "3", "q": "<b>", "a": "é"}),
    ]
    assert rows(read(path, sheet="Other & more", header=False))[0] == (1, {"column_1": "n", "column_2": "m"})
    assert rows(read(path, skip_lines=3, header=False))[0][0] == 4
    for sheet, code in (("Notes", "no_rows"), ("None", "xlsx_unreadable")):
        with pytest.raises(DataError) as caught:
            read(path, sheet=sheet)
        assert caught.value.code == code


def _with_cells(tmp_path: Path, cells: str) -> Path:
    """A workbook with hand-written cells; styles 1, 2, 3 are a date, a date with time, and a time."""
    write_sheets(tmp_path / "plain.xlsx", {"Data": []})
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    styles = f'<styleSheet xmlns="{main}"><cellXfs count="4">' + "".join(
        f'<xf numFmtId="{number}"/>' for number in (0, 14, 22, 21)
    )
    link = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"
    path = tmp_path / "cells.xlsx"
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name).decode()
            if name == "xl/worksheets/sheet1.xml":
                content = f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'
            if name == "xl/_rels/workbook.xml.rels":
                extra = f'<Relationship Id="rId9" Type="{link}" Target="styles.xml"/></Relationships>'
                content = content.replace("</Relationships>", extra)
            new.writestr(name, content)
        new.writestr("xl/styles.xml", styles + "</cellXfs></styleSheet>")
    return path


def test_cells_become_text_as_excel_shows_them(tmp_path: Path) -> None:
    path = _with_cells(tmp_path, (
        '<row r="3"><c r="B3" t="inlineStr"><is><t>kind</t></is></c><c r="C3" t="inlineStr"><is><t>v</t></is></c></row>'
        '<row r="5"><c r="B5"><v>12</v></c><c r="C5" s="1"><v>45352</v></c></row>'
        '<row r="6"><c r="B6" t="b"><v>1</v></c><c r="C6" s="2"><v>45352.5</v></c></row>'
        '<row r="7"><c r="B7"><v>0.30000000000000004</v></c><c r="C7" s="3"><v>0.5</v></c></row>'
        '<row r="8"><c r="B8" t="e"><v>#N/A</v></c><c r="C8" t="str"><f>A1</f><v>of a formula</v></c></row>'
        '<row r="9"><c r="B9"><v>-1.5</v></c><c r="C9"><v>1E+20</v></c></row>'
    ))  # fmt: skip
    assert [(line, list(fields.values())) for line, fields in rows(read(path))] == [
        (5, ["12", "2024-03-01"]),
        (6, ["TRUE", "2024-03-01T12:00:00"]),
        (7, ["0.3", "12:00:00"]),
        (8, ["", "of a formula"]),
        (9, ["-1.5", "1E+20"]),
    ]
    assert detect(path).columns == ("kind", "v")
    assert "xlsx_error_cells" in {item.code for item in detect(path).findings}


def test_formulas_that_were_never_computed_are_reported(tmp_path: Path) -> None:
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>q</t></is></c><c r="B1" t="inlineStr"><is><t>a</t></is></c></row>'
    without = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"><f>A{n}&amp;"x"</f>{value}</c></row>'
        for n, value in enumerate(("<v></v>", "<v/>", "<v />", ""), start=2)
    )
    path = _with_cells(tmp_path, head + without)
    told = [item for item in detect(path).findings if item.code == "xlsx_formula_cells"]
    assert [item.message[:2] for item in told] == ["4 "]
    computed = (
        '<row r="2"><c r="A2"><v>2</v></c><c r="B2"><f>A2+1</f><v>3</v></c></row>'
        '<row r="3"><c r="A3"><v>2</v></c><c r="B3" t="str"><f>""</f><v></v></c></row>'
    )
    assert "xlsx_formula_cells" not in {item.code for item in detect(_with_cells(tmp_path, head + computed)).findings}


def test_workbooks_that_ask_for_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = _with_cells(
        tmp_path, '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    )
    with pytest.raises(DataError) as caught:
        read(far)
    assert caught.value.code == "xlsx_too_large"
    monkeypatch.setattr("core.data.formats.xlsx_archive.MAX_UNPACKED_BYTES", 1_000)
    with pytest.raises(DataError) as caught:
        read(far)
    assert caught.value.code == "xlsx_too_large"


def test_a_damaged_workbook(tmp_path: Path) -> None:
    content = bytearray(workbook(tmp_path, {"Data": [["q", "a"], ["x", "y"]] * 50}))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, "a.xlsx", bytes(content)))
    assert caught.value.code in ("xlsx_unreadable", "container")
