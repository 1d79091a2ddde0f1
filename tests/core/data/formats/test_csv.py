"""CSV: cells stay text, rows know their physical line, and broken records are rejected at their line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from core.errors import DataError
from core.messages import Reject
from tests.core.data.formats.support import detect, put, read, rejected, rows
from tests.support.series import series


def test_cells_are_read_unchanged(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'id,a,b\n00123,NA,TRUE\n1e5," padded ",=SUM(A1)\n-0,,"say ""hi"""\n')
    assert rows(read(path)) == [
        (2, {"id": "00123", "a": "NA", "b": "TRUE"}),
        (3, {"id": "1e5", "a": " padded ", "b": "=SUM(A1)"}),
        (4, {"id": "-0", "a": "", "b": 'say "hi"'}),
    ]


def test_lines_are_physical_after_quoted_line_ends(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'q,a\n"one\ntwo\n\nthree",x\n\nplain,y\n"a\r\nb",z\nlast,w\n')
    assert [line for line, _ in rows(read(path))] == [2, 7, 8, 10]
    assert rows(read(path))[0][1]["q"] == "one\ntwo\n\nthree"
    assert rows(read(path))[2][1]["q"] == "a\r\nb"


def test_mixed_line_ends(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "q,a\r\n1x,b\n2x,c\r3x,d\r\n4x,e")
    assert rows(read(path)) == [(n + 1, {"q": f"{n}x", "a": "abcde"[n]}) for n in range(1, 5)]


def test_u2028_is_not_a_line_end(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "q,a\none\u2028two\x85three\x0b\x0c\x1c,b\nnext,c\n")
    assert rows(read(path)) == [(2, {"q": "one\u2028two\x85three\x0b\x0c\x1c", "a": "b"}), (3, {"q": "next", "a": "c"})]


def test_ragged_rows_are_rejected_and_never_shifted(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'a,b,c\n1,2,3\n1,2\n"x\ny",2,3,4\n4,5,6\n')
    items = read(path)
    assert [fields["a"] for _, fields in rows(items)] == ["1", "4"]
    assert rejected(items) == [("csv_ragged", 3), ("csv_ragged", 4)]
    assert [item.raw for item in items if isinstance(item, Reject)] == ["1,2", '"x\ny",2,3,4']


def test_an_unclosed_quote_costs_only_its_own_line(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'a,b\n1,2\n3,"never closed\n5,6\n7,8\n')
    items = read(path)
    assert rejected(items) == [("csv_unclosed_quote", 3)]
    assert [line for line, _ in rows(items)] == [2, 4, 5]


def test_an_unclosed_quote_that_meets_another_quote(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'a,b\n1,"open\n2,x\n3,"fine",\n4,"good"\n5,y\n')
    items = read(path)
    assert ("csv_unclosed_quote", 2) in rejected(items)
    assert [fields["a"] for _, fields in rows(items)] == ["2", "4", "5"]


def test_an_unclosed_quote_names_the_line_where_it_was_opened(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'a,b\n"fine\ncell","opened here\nrest\n')
    found = read(path)[0]
    assert isinstance(found, Reject)
    assert (found.line, found.findings[0].line, found.findings[0].code) == (2, 3, "csv_unclosed_quote")


def test_text_after_a_closing_quote(tmp_path: Path) -> None:
    items = read(put(tmp_path, "a.csv", 'a,b\n"x"y,2\n3,4\n'))
    assert rejected(items) == [("csv_quote", 2)]
    assert rows(items) == [(3, {"a": "3", "b": "4"})]


@pytest.mark.parametrize(("delimiter", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_delimiters_are_found(tmp_path: Path, delimiter: str, name: str) -> None:
    lines = [["id", "price", "text"], ["1", "2,50", "a; b"], ["2", "3,75", "c; d"], ["3", "4,00", "e, f, g"]]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(lines)
    path = put(tmp_path, "a.csv", out.getvalue())
    assert detect(path).delimiter == delimiter
    assert any(name in note for note in detect(path).notes)
    assert [list(fields.values()) for _, fields in rows(read(path))] == lines[1:]


def test_a_file_without_a_header(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "What is it?,A rake.\nWhere is it?,In the shed.\nHow much?,Four euros.\n")
    assert detect(path).header is False
    assert rows(read(path))[0] == (1, {"column_1": "What is it?", "column_2": "A rake."})
    assert rows(read(path, header=True))[0][1] == {"What is it?": "Where is it?", "A rake.": "In the shed."}
    assert detect(put(tmp_path, "b.csv", "1,a\n2,b\n")).header is False


def test_header_only_and_empty(tmp_path: Path) -> None:
    for name, content, code in [
        ("a.csv", "question,answer\n", "no_rows"),
        ("b.csv", "", "empty_file"),
        ("c.csv", " \n\n", "empty_file"),
        ("d.csv", b"\xef\xbb\xbf", "empty_file"),
    ]:
        with pytest.raises(DataError) as caught:
            read(put(tmp_path, name, content))
        assert caught.value.code == code, name
        assert caught.value.remedy


def test_blank_and_repeated_headers_get_names_of_their_own(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "name,,name,name_2\na,b,c,d\n")
    assert rows(read(path)) == [(2, {"name": "a", "column_2": "b", "name_3": "c", "name_2": "d"})]
    assert [item.code for item in detect(path).findings] == ["csv_header", "csv_header"]


def test_a_preamble_is_skipped_and_reported(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "Report of March\n\nid,q,a\n1,x,y\n2,z,w\n3,v,u\n")
    assert detect(path).columns == ("id", "q", "a")
    assert [item.code for item in detect(path).findings] == ["csv_preamble"]
    assert [line for line, _ in rows(read(path))] == [4, 5, 6]


@pytest.mark.parametrize(
    "text",
    ["Report\n\nq,a\nx,y\nz,w\n", "Report\nMarch 2024\n\nq,a\nx,y\nz,w\nv,u\n", "Report\nMarch\nq;a\nx;1,5\nz;2,5\n"],
)
def test_a_preamble_above_two_columns(tmp_path: Path, text: str) -> None:
    path = put(tmp_path, "a.csv", text)
    assert detect(path).columns == ("q", "a")
    assert rejected(read(path)) == []


def test_invalid_utf8_rejects_the_row_with_its_offset(tmp_path: Path) -> None:
    content = "q,a\nhäuser,b\n".encode() + b"bad \xff byte,c\n" + "gut,schön\n".encode()
    items = read(put(tmp_path, "a.csv", content))
    assert rejected(items) == [("encoding", 3)]
    found = next(item for item in items if isinstance(item, Reject))
    assert f"offset {content.index(0xFF)}" in found.findings[0].message
    assert found.raw.encode("utf-8", "surrogateescape") == b"bad \xff byte,c\n"
    assert [line for line, _ in rows(items)] == [2, 4]


def test_invalid_utf8_in_a_plain_file_is_damage_and_not_an_encoding(tmp_path: Path) -> None:
    items = read(put(tmp_path, "a.csv", b"q,a\none,b\nbad \xff byte,c\nthree,d\n"))
    assert rejected(items) == [("encoding", 3)]


def test_nul_rejects_the_row(tmp_path: Path) -> None:
    items = read(put(tmp_path, "a.csv", "q,a\nx,b\ny\0z,c\nw,d\n"))
    assert rejected(items) == [("nul", 3)]
    assert len(rows(items)) == 2


def test_wide_and_long(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(10_000)]
    path = put(tmp_path, "wide.csv", ",".join(names) + "\n" + ",".join(names) + "x\n")
    assert rows(read(path))[0][1]["c9999"] == "c9999x"
    long = "x" * 1_000_000
    assert rows(read(put(tmp_path, "long.csv", f"q,a\n{long},b\nc,d\n")))[0][1]["q"] == long
    beyond = "x" * 10_000_100
    items = read(put(tmp_path, "beyond.csv", f"q,a\n{beyond},b\nc,d\n"))
    assert rejected(items) == [("csv_too_long", 2)]
    assert rows(items) == [(3, {"q": "c", "a": "d"})]


def test_banking77_has_every_row(real_data: Path) -> None:
    path = real_data / "tables" / "banking77_train.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        expected = list(csv.DictReader(stream))
    found = rows(read(path))
    assert len(found) == len(expected) == 10_003
    assert [fields for _, fields in found] == expected
    assert found[-1][0] > 10_004  # some cells contain line ends


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(max_examples=series(60), deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8))
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, ...]]
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *table])
    path = put(tmp_path_factory.mktemp("csv"), "a.csv", out.getvalue())
    items = read(path, header=True, delimiter=",", skip_lines=0)
    assert [tuple(fields.values()) for _, fields in rows(items)] == table
    assert not rejected(items)


def test_one_column_of_text_with_commas(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "text\nhello, world\nfoo\nwell, well, well\nbar\n")
    assert [fields["text"] for _, fields in rows(read(path))] == ["hello, world", "foo", "well, well, well", "bar"]


def test_the_line_that_excel_writes_for_itself(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "sep=;\r\nname;price\r\na, b;1,5\r\nc;2,5\r\n")
    assert (detect(path).delimiter, detect(path).findings) == (";", ())
    assert rows(read(path)) == [(3, {"name": "a, b", "price": "1,5"}), (4, {"name": "c", "price": "2,5"})]


def test_damage_in_the_header_rejects_no_row(tmp_path: Path) -> None:
    items = read(
        put(
            tmp_path,
            "a.csv",
            "näme,ä\n".encode() + b"x\xff,y\nz,w\n",
        ),
        header=True,
    )
    assert [line for line, _ in rows(items)] == [3]
    items = read(put(tmp_path, "b.csv", b"na\xffme,b\n" + "ä,y\nz,w\n".encode()))
    assert rejected(items) == [("encoding", 1)]
    assert [line for line, _ in rows(items)] == [2, 3]


def test_an_unclosed_quote_in_the_first_line(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'a,"b\n1,2\n3,4\n')
    assert rejected(read(path)) == [("csv_unclosed_quote", 1)]
    assert rows(read(path, header=False)) == [
        (2, {"column_1": "1", "column_2": "2"}),
        (3, {"column_1": "3", "column_2": "4"}),
    ]
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, "b.csv", 'a,"b\n'))
    assert (caught.value.code, caught.value.line) == ("csv_unclosed_quote", 1)


def test_single_quotes_where_they_are_the_quotes(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "'q','a'\n'one, two','it''s'\n'three','four'\n")
    assert detect(path).quotechar == "'"
    assert rows(read(path)) == [(2, {"q": "one, two", "a": "it's"}), (3, {"q": "three", "a": "four"})]
    path = put(tmp_path, "b.csv", "q,a\n'tis the season,x\nit's 'fine',y\n'so',z\n")
    assert detect(path).quotechar == '"'
    assert [fields["q"] for _, fields in rows(read(path))] == ["'tis the season", "it's 'fine'", "'so'"]


def test_a_delimiter_at_the_end_of_every_row_is_a_blank_column(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "q,a\n" + "".join(f"q{n}?,a{n},\n" for n in range(12)) + "q,a\n")
    found, items = detect(path), read(path)
    assert found.columns == ("q", "a", "column_3")
    assert [(item.code, item.field) for item in found.findings] == [("csv_header", "column_3")]
    assert rows(items)[0] == (2, {"q": "q0?", "a": "a0", "column_3": ""})
    assert rejected(items) == [("csv_ragged", 14)]


def test_a_delimiter_at_the_end_of_the_header_only_is_ignored(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "q,a,\n" + "".join(f"q{n}?,a{n}\n" for n in range(12)) + "q,a,more\n")
    found, items = detect(path), read(path)
    assert found.columns == ("q", "a")
    assert [item.code for item in found.findings] == ["csv_header"]
    assert len(rows(items)) == 12
    assert rejected(items) == [("csv_ragged", 14)]


def test_row_numbers_without_a_name_shift_no_cell(tmp_path: Path) -> None:
    """R and pandas write them."""
    path = put(tmp_path, "a.csv", "q,a\n" + "".join(f"{n},q{n}?,a{n}\n" for n in range(12)))
    assert detect(path).columns == ("column_1", "q", "a")
    assert {item.code for item in detect(path).findings} == {"csv_header"}
    assert rows(read(path))[0] == (2, {"column_1": "0", "q": "q0?", "a": "a0"})


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt"])
def test_cells_in_braces_are_not_json(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, name, "{{q}}\t{a}\n" + "".join(f"{{name}} asks {n}?\ta{n}\n" for n in range(12)))
    assert detect(path).format == "csv"
    assert len(rows(read(path))) == 12
