"""JSON and JSONL: strict, with physical lines, and no input crashes the parser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from core.data.formats.json import find_arrays
from core.data.issues import from_error
from core.errors import DataError
from core.messages import Reject
from tests.core.data.formats.support import BAD_LINES, detect, put, read, rejected, rows
from tests.support.series import series


def test_pretty_printed_array_knows_physical_lines(tmp_path: Path) -> None:
    text = '[\n  {\n    "a": "x\\ny",\n    "b": [1,\n 2]\n  },\n\n\n  {"a": 2}, {"a": 3},\n  {"a":\n4}\n]\n'
    assert [line for line, _ in rows(read(put(tmp_path, "a.json", text)))] == [2, 9, 9, 10]


def test_crlf_and_cr_count_as_one_line_end_each(tmp_path: Path) -> None:
    assert [line for line, _ in rows(read(put(tmp_path, "a.json", '[\r\n{"a":1},\r\n{"a":2},\r{"a":3}]')))] == [2, 3, 4]


def test_object_with_the_array_inside(tmp_path: Path) -> None:
    text = '{\n"meta": {"tags": ["x", "y"], "n": [{"k": 1}]},\n"data": [\n{"a": 1},\n{"a": 2}\n],\n"end": 3}'
    path = put(tmp_path, "a.json", text)
    assert detect(path).array_path == ("data",)
    assert rows(read(path)) == [(4, {"a": 1}), (5, {"a": 2})]
    assert rows(read(path, array_path="meta.n")) == [(2, {"k": 1})]
    nested = put(tmp_path, "b.json", '{"result": {"items": [{"a": 1}, {"a": 2}]}}')
    assert detect(nested).array_path == ("result", "items")
    assert len(rows(read(nested))) == 2


def test_one_chat_is_one_row(tmp_path: Path) -> None:
    chat = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    assert rows(read(put(tmp_path, "a.json", json.dumps(chat, indent=2)))) == [(1, chat)]


def test_array_named_jsonl_and_lines_named_json(tmp_path: Path) -> None:
    array = put(tmp_path, "a.jsonl", '[\n{"a": 1},\n{"a": 2}\n]')
    assert detect(array).format == "json"
    assert [item.code for item in detect(array).findings] == ["suffix_mismatch"]
    assert rows(read(array)) == [(2, {"a": 1}), (3, {"a": 2})]
    lines = put(tmp_path, "b.json", '{"a": 1}\n\n{"a": 2}\n')
    assert detect(lines).format == "jsonl"
    assert rows(read(lines)) == [(1, {"a": 1}), (3, {"a": 2})]
    assert detect(put(tmp_path, "c.csv", '{"a": 1}\n{"a": 2}\n')).format == "jsonl"


@pytest.mark.parametrize(("element", "code"), [case for case in BAD_LINES if case[0][-1] in "}]" and "{" in case[0]])
def test_a_bad_element_costs_only_itself(tmp_path: Path, element: str, code: str) -> None:
    items = read(put(tmp_path, "a.json", f'[\n{{"q": 1}},\n{element},\n{{"q": 2}}\n]'))
    assert rejected(items)[0][0] == code
    assert [number for number, _ in rows(items)] == [2, 4]


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "{" * 100_000])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_hundred_thousand_brackets(tmp_path: Path, text: str, name: str) -> None:
    assert rejected(read(put(tmp_path, name, text))) == [("json_depth", 1)]


def test_the_depth_limit_is_exact(tmp_path: Path) -> None:
    def nested(depth: int) -> str:
        return '{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"

    items = read(put(tmp_path, "a.jsonl", f"{nested(100)}\n{nested(101)}\n"))
    assert len(rows(items)) == 1
    assert rejected(items) == [("json_depth", 2)]


def test_truncated_files(tmp_path: Path) -> None:
    items = read(put(tmp_path, "a.json", '[\n{"a": 1},\n{"a": 2},\n{"a": "thr'))
    assert [line for line, _ in rows(items)] == [2, 3]
    assert rejected(items) == [("json_syntax", 4)]
    items = read(put(tmp_path, "b.json", '[\n{"a": 1},\n{"a": 2}\n'))
    assert len(rows(items)) == 2
    assert [code for code, _ in rejected(items)] == ["json_syntax"]
    items = read(put(tmp_path, "c.jsonl", '{"a": 1}\n{"a": 2}\n{"a": 3'))
    assert rejected(items) == [("json_syntax", 3)]


@pytest.mark.parametrize("text", ['[{"a":1},]', '[{"a":1},,{"a":2}]', '[{"a":1}] x', '[{"a":1}][{"b":1}]', '[{"a":1}}'])
def test_broken_arrays_are_reported(tmp_path: Path, text: str) -> None:
    items = read(put(tmp_path, "a.json", text))
    assert rows(items)[0] == (1, {"a": 1})
    assert "json_syntax" in [code for code, _ in rejected(items)]


@pytest.mark.parametrize("text", ["[]", "{}", "42", '"x"', "[1]", "null", "[[]]", "[null, 3]"])
def test_valid_json_without_rows(tmp_path: Path, text: str) -> None:
    try:
        codes = {code for code, _ in rejected(read(put(tmp_path, "a.json", text)))}
    except DataError as error:
        codes = {error.code}
    assert codes == {"json_no_rows"}


def test_every_valid_text_of_the_suite_is_valid_here(real_data: Path) -> None:
    files = sorted((real_data / "json_valid").glob("y_*.json"))
    assert len(files) == 95
    for path in files:
        try:
            codes = [code for code, _ in rejected(read(path))]
        except DataError as error:
            codes = [error.code]
        assert "json_syntax" not in codes, path.name


def test_invalid_utf8_names_the_byte(tmp_path: Path) -> None:
    content = '{"a": "ä"}\n'.encode() + b'{"a": "caf\xe9"}\n' + b'{"a": 3}\n'
    items = read(put(tmp_path, "a.jsonl", content))
    assert rejected(items) == [("encoding", 2)]
    found = next(item for item in items if isinstance(item, Reject))
    assert f"offset {content.index(0xE9)}" in found.findings[0].message
    assert rows(read(tmp_path / "a.jsonl", encoding="cp1252"))[1] == (2, {"a": "café"})
    array = b'[\n{"a": 1},\n{"a": "caf\xe9"},\n{"a": 3}]'
    items = read(put(tmp_path, "b.json", array))
    assert rejected(items) == [("encoding", 3)]
    found = next(item for item in items if isinstance(item, Reject))
    assert f"offset {array.index(0xE9)}" in found.findings[0].message


def test_u2028_inside_a_string_is_not_a_line_end(tmp_path: Path) -> None:
    items = read(put(tmp_path, "a.jsonl", '{"a": "x\u2028y\u2029z\x85"}\n{"a": 2}\n'))
    assert rows(items) == [(1, {"a": "x\u2028y\u2029z\x85"}), (2, {"a": 2})]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_wide_encodings(tmp_path: Path, codec: str, name: str) -> None:
    values = [{"a": "häuser 🏡"}, {"a": "二"}]
    text = json.dumps(values, ensure_ascii=False, indent=1)
    if name.endswith("l"):
        text = "\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    assert [fields for _, fields in rows(read(put(tmp_path, name, text.encode(codec))))] == values


def test_records_beyond_the_limit(tmp_path: Path) -> None:
    long = "x" * 11_000_000
    items = read(put(tmp_path, "a.jsonl", f'{{"a": 1}}\n{{"a": "{long}"}}\n{{"a": 3}}\n'))
    assert rejected(items) == [("json_too_long", 2)]
    assert [line for line, _ in rows(items)] == [1, 3]
    items = read(put(tmp_path, "a.json", f'[{{"a": 1}},\n{{"a": "{long}",\n"b": [{"1," * 3_000_000}2]}},\n{{"a": 3}}]'))
    assert rejected(items) == [("json_too_long", 2)]
    assert [line for line, _ in rows(items)] == [1, 4]
    assert len(items[1].raw) < 2_000  # type: ignore[union-attr]


def test_chunk_edges_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = [{"a": 'q"\\\\,]}[{\u00e9', "n": [n, {"x": None}], "s": "y" * (n % 7)} for n in range(40)]
    text = json.dumps({"k]": '"', "data": values}, indent=1, ensure_ascii=False).replace("\n", "\r\n")
    path = put(tmp_path, "a.json", text)
    whole = read(path)
    assert [fields for _, fields in rows(whole)] == values
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr("core.data.formats.parsing.json_text._CHUNK", size)
        assert read(path) == whole


KEYS = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=5)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON_VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(KEYS, JSON_VALUES, min_size=1, max_size=4)


@settings(max_examples=series(60), deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=5), st.sampled_from([None, 1]), st.booleans())
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[dict[str, Any]], indent: int | None, ascii_only: bool
) -> None:
    folder = tmp_path_factory.mktemp("json")
    array = put(folder, "a.json", json.dumps(values, indent=indent, ensure_ascii=ascii_only))
    assert [fields for _, fields in rows(read(array))] == values
    stream = put(folder, "a.jsonl", "\n".join(json.dumps(v, indent=indent, ensure_ascii=ascii_only) for v in values))
    found = read(stream) if len(values) > 1 else read(stream, format="jsonl", layout="values")
    assert [fields for _, fields in rows(found)] == values


@pytest.mark.parametrize(
    "text",
    ['{"m": [1,], "data": [{"a": 1}, {"a": 2}]}', '{"data": [{"a": 1}, {"a": 2}], "e": [1,]}',
     '{"data": [{"a": 1}, {"a": 2}], "e" 1}', '{"data": [{"a": 1}, {"a": 2}],, "e": 1}',
     '{"data": [{"a": 1}, {"a": 2}],}', '{"data": [{"a": 1}, {"a": 2}]', '{"data": [{"a": 1}, {"a": 2}]} x'],
)  # fmt: skip
def test_errors_around_the_array_are_reported_and_reject_no_row(tmp_path: Path, text: str) -> None:
    items = read(put(tmp_path, "a.json", text))
    assert [fields for _, fields in rows(items)] == [{"a": 1}, {"a": 2}]
    assert {code for code, _ in rejected(items)} == {"json_syntax"}


STRUCTURE = st.sampled_from(list('{}[],:"\n\\1 '))


@settings(max_examples=series(150), deadline=None)
@given(st.data())
def test_valid_exactly_if_the_standard_parser_accepts_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A document with one character changed is accepted without a finding only if it is JSON (or JSONL)."""
    values = [{"k": n, "s": 'q"', "n": [n, {"z": "l\ne"}]} for n in range(3)]
    document: Any = values if data.draw(st.booleans()) else {"m": {"x": 1}, "data": values, "e": [1]}
    text = json.dumps(document, indent=data.draw(st.sampled_from([None, 1])))
    place = data.draw(st.integers(0, len(text) - 1))
    text = text[:place] + data.draw(STRUCTURE) + text[place + data.draw(st.integers(0, 1)) :]
    path = put(tmp_path_factory.getbasetemp(), "mutated.json", text)
    try:
        json.loads(text)
        valid = True
    except ValueError:
        valid = False
    try:
        items = read(path)
    except DataError as error:
        items = [Reject(1, text, (from_error(error),))]
    codes = {code for code, _ in rejected(items)}
    if valid:
        assert "json_syntax" not in codes
    else:
        assert codes


@pytest.mark.parametrize("unit", ["[", '{"b":', '[{"b":', "{["])
def test_looking_for_the_array_in_a_million_brackets_ends(unit: str) -> None:
    assert max(map(len, find_arrays('{"a":' + unit * (1_000_000 // len(unit)))), default=0) <= 3
