"""The choices about how a file is read: one definition each, the same values from the app and the command line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from core.cli import main
from core.data import formats
from core.data.formats import READING, Detection, Reading
from core.data.reading_options import how
from core.errors import DataError
from tests.core.data.formats.support import put


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("delimiter", "tab", "\t"),
        ("delimiter", "\\t", "\t"),
        ("delimiter", "\\x01", "\x01"),
        ("delimiter", "||", "||"),
        ("delimiter", "comma-space", ", "),
        ("quotechar", "none", ""),
        ("quotechar", "'", "'"),
        ("quotechar", "", ""),
        ("escape", "backslash", "\\"),
        ("escape", "double", ""),
        ("header", "no", False),
        ("header", "yes", True),
        ("header", "2", 2),
        ("header", 3, 3),
        ("skip_lines", "12", 12),
        ("comment", "none", ""),
        ("array_path", "data.items", ("data", "items")),
        ("array_path", ["data", "items"], ("data", "items")),
        ("short_rows", "fill", "fill"),
        ("encoding", "CP1252", "cp1252"),
        ("encoding", "latin-1", "latin-1"),
    ],
)
def test_values_from_the_app_and_the_command_line(name: str, given: object, value: object) -> None:
    assert getattr(Reading.of({name: given}), name) == value


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("delimiter", ""),
        ("delimiter", "\n"),
        ("delimiter", 5),
        ("delimiter", "x" * 11),
        ("quotechar", "ab"),
        ("header", "maybe"),
        ("header", -1),
        ("header", 10),
        ("skip_lines", "two"),
        ("skip_lines", True),
        ("skip_lines", -1),
        ("short_rows", "drop"),
        ("nested", "explode"),
        ("array_path", 5),
        ("no_such", "x"),
    ],
)
def test_impossible_values_name_the_choice(name: str, given: object) -> None:
    with pytest.raises(DataError) as caught:
        Reading.of({name: given})
    assert caught.value.field == name
    assert name not in READING or READING[name].flag in caught.value.remedy


def test_every_choice_is_stored_with_the_file() -> None:
    assert {choice.name for choice in READING.values()} <= {item.name for item in fields(Detection)}


def test_arguments_of_a_command_are_read_back() -> None:
    given: dict[str, Any] = {
        "delimiter": "\x01",
        "quotechar": "",
        "header": 2,
        "array_path": ("a", "b"),
        "escape": "\\",
    }
    flags = Reading.of(given).flags()
    names = {choice.flag: choice.name for choice in READING.values()}
    pairs = dict(zip([names[flag] for flag in flags[::2]], flags[1::2], strict=True))
    assert Reading.of(pairs) == Reading.of(given)
    assert Reading.of(None).flags() == []


def test_a_remedy_names_the_app_s_choice_and_the_option() -> None:
    assert how("short_rows", "fill") == (
        "“Rows with too few cells: Fill them with blanks” (--short-rows fill on the command line)"
    )
    assert how("delimiter") == "“Cells are separated by” (--delimiter on the command line)"


CASES: list[tuple[str, list[str], list[dict[str, str]]]] = [
    ("a:b\n1:2\n", ["--delimiter", "colon"], [{"a": "1", "b": "2"}]),
    ('a||b\n"1||2"||3\n', ["--delimiter", "||"], [{"a": "1||2", "b": "3"}]),
    ('a,b\n"say \\"hi\\"","c:\\\\d\\e"\n', ["--escape", "backslash"], [{"a": 'say "hi"', "b": "c:\\d\\e"}]),
    ('a,b\n"open,2\n', ["--quote", "none"], [{"a": '"open', "b": "2"}]),
    ("a,b\n#x,1\n2,3\n", ["--comment", "#"], [{"a": "2", "b": "3"}]),
    ("a,b,c\n1,2\n", ["--short-rows", "fill"], [{"a": "1", "b": "2", "c": ""}]),
    ("a,b\n1,2, and 3\n", ["--long-rows", "join"], [{"a": "1", "b": "2, and 3"}]),
    ("x,\na,b\n1,2\n", ["--header", "2"], [{"x a": "1", "b": "2"}]),
    ("note,1\nmore,2\na,b\n1,2\n", ["--skip-lines", "2"], [{"a": "1", "b": "2"}]),
    ("a,b\n1,2\n", ["--header", "no"], [{"column_1": "a", "column_2": "b"}, {"column_1": "1", "column_2": "2"}]),
    ("a,b\n1,\xe9\n", ["--encoding", "latin-1"], [{"a": "1", "b": "Ã©"}]),
]


@pytest.mark.parametrize(("text", "flags", "expected"), CASES)
def test_the_command_line_reads_as_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, flags: list[str], expected: list[dict[str, str]]
) -> None:
    import json

    assert main(["rows", str(put(tmp_path, "a.csv", text)), *flags]) == 0
    assert [json.loads(line)["fields"] for line in capsys.readouterr().out.splitlines()] == expected


def test_a_wrong_value_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rows", str(put(tmp_path, "a.csv", "a,b\n1,2\n")), "--short-rows", "drop"]) == 1
    assert "--short-rows needs one of reject, fill" in capsys.readouterr().err


def test_what_was_chosen_is_shown_among_the_options(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "a||b\n1||2\n")
    detected, current = formats.detect_file(path), formats.detect_file(path, overrides={"delimiter": "||"})
    choice = next(item for item in formats.choices(detected, current) if item.id == "delimiter")
    assert (choice.current, choice.is_changed, choice.is_free) == ("||", True, True)
    assert "||" in {option.value for option in choice.options}
