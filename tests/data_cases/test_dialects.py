"""Dialects of CSV that people have, each detected, or read as chosen; small invented files of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.data import formats
from core.messages import Reject, Row
from tests.core.data.formats.support import detect, put, read, rejected, rows

NUMBERS = range(20)


def _lines(template: str, header: str = "question,answer") -> str:
    return header + "\n" + "".join(template.format(n=n) + "\n" for n in NUMBERS)


def _values(path: Path, **chosen: Any) -> list[list[str]]:
    return [list(fields.values()) for _, fields in rows(read(path, **chosen))]


# name, content, what the row of n is
DETECTED: list[tuple[str, str, list[str]]] = [
    ("backslash.csv", _lines('"Why \\"{n}\\"?","By \\"{n}\\", he said"'), ['Why "{n}"?', 'By "{n}", he said']),
    ("comma_space.csv", _lines('"What, {n}?", "It, {n}."', "question, answer"), ["What, {n}?", "It, {n}."]),
    ("space_before_quote.csv", _lines('"What is {n}?", "A {n}."', "question, answer"), ["What is {n}?", "A {n}."]),
    ("semicolon_space.csv", _lines('a{n}; "b, {n}"', "question; answer"), ["a{n}", "b, {n}"]),
    ("colon.csv", _lines("n{n}:{n}:berlin", "name:age:city"), ["n{n}", "{n}", "berlin"]),
    ("caret.txt", _lines("n{n}^a, b^berlin", "name^note^city"), ["n{n}", "a, b", "berlin"]),
    ("tilde.txt", _lines("n{n}~say: x~berlin", "name~note~city"), ["n{n}", "say: x", "berlin"]),
    ("control.csv", _lines("n{n}\x01a, b\x01c d", "name\x01note\x01city"), ["n{n}", "a, b", "c d"]),
    ("space.csv", _lines("n{n} {n} berlin", "name age city"), ["n{n}", "{n}", "berlin"]),
    ("quoted_space.csv", _lines('"n {n}" "a b"', "name note"), ["n {n}", "a b"]),
    ("single.csv", _lines("'Who''s {n}?','One, {n}'"), ["Who's {n}?", "One, {n}"]),
    ("trailing_header.csv", _lines("Q{n},A{n}", "question,answer,,,"), ["Q{n}", "A{n}"]),
    ("unclosed_header.csv", _lines("Q {n}?,A {n}", 'question,"answer'), ["Q {n}?", "A {n}"]),
    ("comments.csv", "# exported\n# by me, alone\n" + _lines("Q{n},A{n}"), ["Q{n}", "A{n}"]),
    ("dates.csv", "".join(f"{n + 1:02d}/02/2023,0{n % 9}:15,{n},cell {n}\n" for n in NUMBERS), []),
    ("index.csv", _lines("{n},Q{n}?,A{n}"), ["{n}", "Q{n}?", "A{n}"]),
    ("short_header.csv", _lines("2024-01-02,{n},https://x.org/{n}", "date,url"), ["2024-01-02", "{n}", "https://x.org/{n}"]),
    ("blank_name.csv", _lines("Q{n}?,A{n}", "question,,answer"), ["Q{n}?", "A{n}"]),
    ("header_quote.csv", _lines('"Q, {n}","A{n}"', '"question,"answer"'), ["Q, {n}", "A{n}"]),
    ("header_space.csv", _lines("a{n},{n},c", "name age city"), ["a{n}", "{n}", "c"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "row"), DETECTED, ids=[name for name, *_ in DETECTED])
def test_every_row_is_read(tmp_path: Path, name: str, text: str, row: list[str]) -> None:
    found = _values(put(tmp_path, name, text))
    assert len(found) == len(NUMBERS)
    if row:
        assert found == [[cell.format(n=n) for cell in row] for n in NUMBERS]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("comma_space.csv", ("question", "answer")),
        ("trailing_header.csv", ("question", "answer")),
        ("unclosed_header.csv", ("question", "answer")),
        ("dates.csv", ("column_1", "column_2", "column_3", "column_4")),
        ("index.csv", ("column_1", "question", "answer")),
        ("short_header.csv", ("date", "column_2", "url")),
        ("blank_name.csv", ("question", "answer")),
        ("header_quote.csv", ("question", "answer")),
        ("header_space.csv", ("name", "age", "city")),
    ],
)
def test_names_of_columns(tmp_path: Path, name: str, columns: tuple[str, ...]) -> None:
    text = next(text for known, text, _ in DETECTED if known == name)
    assert detect(put(tmp_path, name, text)).columns == columns


def test_a_header_that_differs_from_the_rows_is_named_as_the_fault(tmp_path: Path) -> None:
    for name in ("trailing_header.csv", "unclosed_header.csv", "index.csv", "blank_name.csv", "header_space.csv"):
        text = next(text for known, text, _ in DETECTED if known == name)
        found = detect(put(tmp_path, name, text)).findings
        assert any(item.code == "csv_header" and item.line == 1 for item in found), name


def test_a_dump_without_quoting(tmp_path: Path) -> None:
    lines = [f"{n}\tQ {n}\tA {n}" for n in range(100)]
    lines[22], lines[25] = '22\t" We will 20\tcut jobs', '25\the said 23 "\tend'
    path = put(tmp_path, "dump.tsv", "id\tquestion\tanswer\n" + "\n".join(lines) + "\n")
    assert detect(path).quotechar == ""
    assert len(rows(read(path))) == 100
    assert len(rows(read(path, quotechar='"'))) == 97
    path = put(tmp_path, "inches.tsv", 'id\titem\n1\t"half inch\n2\thalf inch"\n3\t"one" inch\n4\tx\n')
    assert len(rows(read(path))) == 4


def test_a_lone_quote_among_quoted_cells_costs_its_line(tmp_path: Path) -> None:
    lines = [f'"{n}"\t"a {n}"' for n in NUMBERS]
    lines[5] = '"5"\t"a 5'
    items = read(put(tmp_path, "a.tsv", '"id"\t"text"\n' + "\n".join(lines) + "\n"))
    assert (len(rows(items)), rejected(items)) == (19, [("csv_unclosed_quote", 7)])


def test_comments_are_counted_and_choosable(tmp_path: Path) -> None:
    text = "# exported\nquestion,answer,id\nQ0,A0,0\n# in between\nQ1,A1,1\n"
    path = put(tmp_path, "a.csv", text)
    found = detect(path)
    assert (found.comment, found.columns) == ("#", ("question", "answer", "id"))
    assert [line for line, _ in rows(read(path))] == [3, 5]
    (finding,) = found.findings
    assert finding.message == "2 lines that begin with # were left out as comments."
    assert "--comment none" in finding.remedy
    assert ("csv_ragged", 4) in rejected(read(path, comment=""))


def test_a_heading_is_not_a_comment(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "#,question,answer\n1,Q1,A1\n2,Q2,A2\n")
    assert (detect(path).comment, detect(path).columns) == ("", ("#", "question", "answer"))


def test_short_rows_are_rejected_and_filled_by_choice(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "question,answer,note\nQ0,A0,n\nQ1,A1\nQ2,A2\nQ3,A3,n\n")
    items = read(path)
    assert rejected(items) == [("csv_ragged", 3), ("csv_ragged", 4)]
    first = next(item for item in items if isinstance(item, Reject))
    assert "--short-rows fill" in first.findings[0].remedy
    assert _values(path, short_rows="fill")[1] == ["Q1", "A1", ""]


def test_unquoted_commas_are_said_with_their_lines(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "id,question,answer\n" + "".join(
        f"{n},What is {n}?,It is {n}{', and more' if n % 2 else ''}\n" for n in NUMBERS
    ))  # fmt: skip
    (finding,) = [item for item in detect(path).findings if item.code == "csv_unquoted"]
    assert finding.line == 3
    assert "lines 3, 5, 7" in finding.message
    assert "--long-rows join" in finding.remedy
    assert len(rows(read(path))) == 10
    joined = _values(path, long_rows="join")
    assert (len(joined), joined[1]) == (20, ["1", "What is 1?", "It is 1, and more"])


def test_commas_in_every_text_do_not_make_a_column(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", _lines("What is {n}?,It is {n}, and more"))
    assert detect(path).columns == ("question", "answer")
    assert "csv_unquoted" in {item.code for item in detect(path).findings}


def test_a_survey_whose_questions_are_the_header(tmp_path: Path) -> None:
    question = (
        "When you think of the last time that you visited us, what did you like most about it, and why was it so?"
    )
    text = f'Timestamp,"{question}\n(a sentence)",Again?\n' + "".join(
        f"2024/05/{n + 1:02d} 10:00:00,I liked bed {n}.,{'Yes' if n % 2 else 'No'}\n" for n in NUMBERS
    )
    path = put(tmp_path, "a.csv", text)
    assert detect(path).columns == ("Timestamp", f"{question}\n(a sentence)", "Again?")
    assert len(rows(read(path))) == 20


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("day,amount,note\nday,amount,note\n", ("day", "amount", "note")),
        ("Sale,Sale,\nday,amount,note\n", ("Sale day", "Sale amount", "note")),
    ],
)
def test_several_header_rows(tmp_path: Path, header: str, columns: tuple[str, ...]) -> None:
    path = put(tmp_path, "a.csv", header + "".join(f"2024-01-0{n % 9 + 1},{n}.5,x{n}\n" for n in NUMBERS))
    assert (detect(path).header, detect(path).columns) == (2, columns)
    assert len(rows(read(path))) == 20


@pytest.mark.parametrize(
    "text",
    ["times\n12:30\n12:45\n13:00\n", "link\nhttp://a.org\nhttp://b.org\n", "text\nNote: one\nNote: two\n",
     "name\nAda Lovelace\nAlan Turing\n", "text\nhello, world\nwell, well\n"],
)  # fmt: skip
def test_one_column_stays_one_and_says_so(tmp_path: Path, text: str) -> None:
    path = put(tmp_path, "a.csv", text)
    assert [len(values) for values in _values(path)] == [1] * (text.count("\n") - 1)
    assert "csv_one_column" in {item.code for item in detect(path).findings}


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_second_byte_order_mark_is_not_part_of_a_name(tmp_path: Path, quote: str) -> None:
    path = put(tmp_path, "a.csv", f"\ufeff\ufeff{quote}question{quote},answer\n" + "Who?,Ann\n" * 3)
    assert detect(path).columns == ("question", "answer")
    assert rows(read(path))[0][1] == {"question": "Who?", "answer": "Ann"}


@pytest.mark.parametrize(
    ("text", "chosen"),
    [("question^answer\nWho?^Ann\n", {"delimiter": ";"}), ("sep=;\nquestion,answer\nWho?,Ann\n", {})],
)
def test_a_chosen_delimiter_that_occurs_nowhere_is_a_warning(tmp_path: Path, text: str, chosen: dict[str, Any]) -> None:
    found = detect(put(tmp_path, "a.csv", text), **chosen)
    assert [item.message for item in found.findings if item.code == "csv_one_column"] == [
        "The delimiter ';' does not occur in the file; each line is one cell."
    ]
    found = detect(put(tmp_path, "b.csv", text.replace("^", ";").replace(",", ";")), **chosen)
    assert found.findings == ()


@pytest.mark.parametrize(
    "text",
    ["5 €,x\n7 €,y\n", "The “best” one,ok\n", "25 °C,warm\n", "1990–1995,years\n", "foo – bar,x\n", "£5,tea\n",
     "it’s,ok\n", "20° today,1\n", "5½,x\n", "«Bonjour»,oui\n"],
)  # fmt: skip
def test_signs_of_cp1252_without_any_letter(tmp_path: Path, text: str) -> None:
    path = put(tmp_path, "a.csv", ("q,a\n" + text).encode("cp1252"))
    assert detect(path).encoding == "cp1252"
    assert _values(path)[0] == text.split("\n")[0].split(",")


SHARED = {
    "backslash.csv": (50, 0), "comma_space.csv": (50, 0), "colon.csv": (60, 0), "euro_curly.csv": (50, 0),
    "merge.tsv": (100, 0), "one_extra_header.csv": (60, 0), "stray1.csv": (200, 1), "unq_commas.csv": (30, 30),
    "comment.csv": (60, 0), "short_rows.csv": (20, 40), "space_before_quote.csv": (12, 0), "survey_header.csv": (15, 0),
    "stray_quotes.tsv": (8, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", SHARED)
def test_the_shared_files(real_data: Path, name: str) -> None:
    path = real_data / "cases" / name
    items = list(formats.read(path, formats.detect_file(path)))
    assert (sum(isinstance(item, Row) for item in items), sum(isinstance(item, Reject) for item in items)) == SHARED[
        name
    ]


def test_a_cell_that_took_rows_with_it_is_said_with_its_line(tmp_path: Path) -> None:
    lines = [f'{n},"word, {n}",x{n},y' for n in range(100)]
    lines[40], lines[43] = '40," We will,x,y', '43,said ",x,y'
    lines[41], lines[42] = "41,a,b,c", "42,a,b,c"
    path = put(tmp_path, "a.csv", "id,text,b,c\n" + "\n".join(lines) + "\n")
    (finding,) = [item for item in detect(path).findings if item.code == "csv_swallowed"]
    assert (finding.line, finding.severity) == (42, "warning")
    assert "lines 42 to 45" in finding.message
    assert "--quote none" in finding.remedy
    sound = put(tmp_path, "b.csv", "q,a\n" + "".join(f'{n},"Dear {n}\nthanks, B"\n' for n in NUMBERS))
    assert detect(sound).findings == ()


@pytest.mark.parametrize("count", [3, 30_000])
def test_a_header_and_a_mark_inside_a_file_that_was_joined(tmp_path: Path, count: int) -> None:
    part = "question,answer\r\n" + "".join(f'Q{n},"A, {n}"\r\n' for n in range(count))
    path = put(tmp_path, "a.csv", ("\ufeff" + part) * 2)
    items = read(path)
    assert rejected(items) == [("header_repeated", count + 2)]
    assert len(rows(items)) == 2 * count
    path = put(tmp_path, "b.csv", '\ufeffquestion,answer\nQ,A\n\ufeff"R",B\n')
    assert [fields["question"] for _, fields in rows(read(path))] == ["Q", "R"]


def test_a_column_may_repeat_its_name(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "word\nhello\nword\n")
    assert [fields["word"] for _, fields in rows(read(path))] == ["hello", "word"]
