"""The strict reader: quotes, escapes, long delimiters and comments, whatever the text contains."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings, strategies as st

from core.data.formats.csv_dialect.cells import Dialect
from tests.support.series import series


def cells(text: str, **rules: str) -> list[list[str]]:
    return list(Dialect(**rules).reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    ("text", "rules", "expected"),
    [
        ('"a", "b, c"\n', {"delimiter": ", "}, [["a", "b, c"]]),
        ("a, b,c\n", {"delimiter": ", "}, [["a", "b", "c"]]),
        ('"a::b"::c:d\n', {"delimiter": "::"}, [["a::b", "c:d"]]),
        ('"a \\"b\\"",c\\d\n', {"escape": "\\"}, [['a "b"', "c\\d"]]),
        ('"a\\\\",b\n', {"escape": "\\"}, [["a\\", "b"]]),
        ("a\\,b,c\n", {"escape": "\\", "quote": ""}, [["a,b", "c"]]),
        ('say \\"hi\\",b\n', {"escape": "\\"}, [['say "hi"', "b"]]),
        ('#x\na,"b\n#c"\n#y,z\n', {"comment": "#"}, [[], ["a", "b\n#c"], []]),
        ('"a,b\n', {"quote": ""}, [['"a', "b"]]),
    ],
)
def test_rules(text: str, rules: dict[str, str], expected: list[list[str]]) -> None:
    assert cells(text, **rules) == expected


@pytest.mark.parametrize("rules", [{}, {"escape": "\\"}, {"delimiter": "::"}, {"comment": "#"}])
def test_faults_are_errors_in_every_dialect(rules: dict[str, str]) -> None:
    for text in ('"a"b\n', '"never closed\n'):
        with pytest.raises(csv.Error):
            cells(text, **rules)


def test_lines_are_counted_with_comments_and_long_cells() -> None:
    reader = Dialect(comment="#", delimiter="::").reader(io.StringIO('#\n"a\nb"::c\n#\nd::e\n', newline=""))
    assert [(reader.line_num, record) for record in reader] == [
        (1, []),
        (3, ["a\nb", "c"]),
        (4, []),
        (5, ["d", "e"]),
    ]


CELL = st.text(st.sampled_from('ab"\\:#,\ufdd0\ufdd1\ufdd2\ufdd3\ufdd4 1é'), max_size=8)


@settings(max_examples=series(200), deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=2, max_size=3), min_size=1, max_size=4), st.sampled_from(["::", ",", "||", "; "])
)
def test_whatever_is_written_with_backslashes_is_read_back(table: list[list[str]], delimiter: str) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = "".join(delimiter.join(map(quoted, row)) + "\n" for row in table)
    assert cells(text, delimiter=delimiter, escape="\\") == table
