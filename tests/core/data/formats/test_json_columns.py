"""JSON records that are read many at a time are what the strict reader reads: values, physical lines and rejects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from core.data import formats
from core.data.examples.texts import MessagesColumn, TextColumn
from core.data.formats import Detection
from core.data.formats.parsing import json_columns, json_text, text_buffer
from core.messages import Reject, Row
from tests.core.data.formats.support import put
from tests.support.series import series

TEXTS = [
    "",
    "plain",
    'say "x"',
    "back\\slash",
    "\\\\",
    '\\"',
    "a\nb",
    "é日本🙂",
    "\u2028",
    "\x7f",
    "},{",
    '},\n  {"q"',
    "q",
    '"q"',
]
SCALARS = [*TEXTS, None, True, False, 0, -1, 2.5, 1e300, 10**30, -0.0]
value = st.one_of(
    st.sampled_from(SCALARS),
    st.sampled_from(TEXTS),
    st.lists(st.fixed_dictionaries({"from": st.sampled_from(TEXTS), "q": st.sampled_from(TEXTS)}), max_size=3),
    st.dictionaries(st.sampled_from(["q", "b"]), st.sampled_from(SCALARS), max_size=2),
)
row = st.fixed_dictionaries({"q": value}, optional={"a": value, "b": st.sampled_from(TEXTS)})
# Every kind of dirt, as it may be written between sound records.
DIRT = [
    '{"q": "x", "q": "y"}', '{"q": NaN}', '{"q": 1e999}', '{"q": "\\u0000"}', '{"q": "\\ud800"}', '{"q": "\\ud800a"}',
    "{}", "[1]", '"text"', "null", '{"q": }', "{q: 1}", '{"q": "open}', '{"q": 1,}', '{"q": [[[[[[[1]]]]]]]}',
    '{"q": 01}', "", '{"q":\t"a\tb"}', '{"q": {"a": 1, "a": 2}}', '{"\\u0071": 1}', '{"q": 1} {"q": 2}', '{"q": "\r"}',
    '{ "q" : 1 }', "}", '{"q": 1\r}', '{"q": "\x00"}', "  ", '{"q": 1} // no',
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("json")


def _read(path: Path, found: Detection) -> list[Any]:
    """Every record, with its number on its line and the types of its values: 1 and 1.0 are equal."""
    items = [item for batch in formats.read_batches(path, found) for item in batch.items()]
    return [
        (item, getattr(item.line, "record", None), repr(item.fields) if isinstance(item, Row) else "") for item in items
    ]


def _compare(path: Path, found: Detection, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_columns, "LEAST", 1 << 40)
        expected = _read(path, found)
        assert [item for item, *_ in expected] == list(formats.read(path, found))
        patch.setattr(json_columns, "LEAST", 1)
        patch.setattr(json_columns, "SLOW_RECORDS", 1)
        assert _read(path, found) == expected
        patch.setattr(json_text, "_CHUNK", size)
        patch.setattr(text_buffer, "BLOCK", size)
        assert _read(path, found) == expected
        patch.setattr(json_columns, "MOST", size)
        patch.setattr(json_columns, "FEWER", size // 3 + 1)
        assert _read(path, found) == expected


records = st.lists(
    st.one_of(row, row, row, st.sampled_from(DIRT)), max_size=12
)  # a text is written as it is, anything else as JSON


@settings(max_examples=series(400), deadline=None)
@given(
    records,
    st.sampled_from([None, 2]),
    st.booleans(),
    st.sampled_from([",", ", ", ",\n", ",\r\n  "]),
    st.integers(1, 200),
)
@example([{"q": [{"from": "a", "q": "b"}]}] * 3, None, True, ",", 30)
def test_elements_of_an_array(
    folder: Path, items: list[Any], indent: int | None, ascii_only: bool, between: str, size: int
) -> None:
    written = [
        item if isinstance(item, str) else json.dumps(item, indent=indent, ensure_ascii=ascii_only) for item in items
    ]
    path = put(folder, "a.json", f"[\n{between.join(['{}', *written])}\n]\n")
    _compare(path, Detection("json", "utf-8", layout="array"), size)


@settings(max_examples=series(400), deadline=None)
@given(records, st.booleans(), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans(), st.integers(1, 200))
def test_lines(folder: Path, items: list[Any], ascii_only: bool, end: str, last_end: bool, size: int) -> None:
    written = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=ascii_only) for item in items]
    path = put(folder, "a.jsonl", end.join(written) + end * last_end)
    _compare(path, Detection("jsonl", "utf-8", layout="lines"), size)


MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", ""]), "content": st.sampled_from(TEXTS)})
KNOWN = st.one_of(
    st.fixed_dictionaries({"q": st.sampled_from(TEXTS), "a": st.sampled_from(TEXTS)}),
    st.fixed_dictionaries({"messages": st.lists(MESSAGE, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"messages": st.lists(MESSAGE, max_size=2), "a": st.sampled_from(TEXTS)}),
)
# Between records of texts and messages.
LIKE_THEM = [
    '{"a": "1", "q": "2"}', '{"q": "1"}', '{"q": "1", "a": null}', '{"q": "1", "a": "2", "q": "3"}',
    '{"q": "1", "a": 2}', '{"q": "1", "a": "2", "c": "3"}', '{"q": "1", "a": "\\ud800"}', '{"q": "1", "a": "\\udc00"}',
    '{"q": "1", "a": "\\u0000"}', '{"messages": []}', '{"messages": null}', '{"messages": [null]}',
    '{"messages": [{"content": "c", "role": "user"}]}', '{"messages": [{"role": "user"}]}', '{"messages": ["text"]}',
    '{"messages": [{"role": "user", "content": null}]}', '{"q": "1", "a": "raw \t tab"}', '{"q": "1", "a": "2"} ',
    '{"messages": [{"role": "user", "role": "user", "content": ""}]}', ' {"q": "1", "a": "2"}', "\ufeff",
    '{"messages": [{"role": "user", "content": "c", "name": "n"}]}', '{"q": "1", "a": "2"}{"q": "1", "a": "2"}',
    '{"q": "\\ud83d\\ude42", "a": "\\/"}', '{"q": "1",\n"a": "2"}',
]  # fmt: skip
known_records = st.tuples(KNOWN, st.integers(1, 8)).flatmap(
    lambda drawn: st.lists(
        st.one_of(st.just(drawn[0]), st.just(drawn[0]), st.just(drawn[0]), KNOWN, st.sampled_from(LIKE_THEM)),
        max_size=drawn[1],
    )
)


@settings(max_examples=series(150), deadline=None)
@given(known_records, st.booleans(), st.sampled_from(["\n", "\r\n"]), st.integers(20, 300))
def test_lines_of_texts_and_messages(folder: Path, items: list[Any], ascii_only: bool, end: str, size: int) -> None:
    written = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=ascii_only) for item in items]
    path = put(folder, "a.jsonl", end.join(written) + end)
    _compare(path, Detection("jsonl", "utf-8", layout="lines"), size)


@settings(max_examples=series(150), deadline=None)
@given(known_records, st.sampled_from([None, 2]), st.sampled_from([",", ",\n", " ,\r\n  "]), st.integers(20, 300))
def test_elements_of_texts_and_messages(
    folder: Path, items: list[Any], indent: int | None, between: str, size: int
) -> None:
    written = [item if isinstance(item, str) else json.dumps(item, indent=indent, ensure_ascii=False) for item in items]
    path = put(folder, "a.json", f"[\n{between.join(['{}', *written])}\n]\n")
    _compare(path, Detection("json", "utf-8", layout="array"), size)


def test_bytes_that_are_not_text_are_found_in_columns(folder: Path) -> None:
    line = b'{"q": "1", "a": "%b"}\n'
    path = folder / "bytes.jsonl"
    path.write_bytes(b"".join(line % text for text in (b"1", b"2", b"\xe9", b"3", b"\xed\xa0\x80")))
    _compare(path, Detection("jsonl", "utf-8", layout="lines"), 40)


def test_plain_chats_are_read_in_columns(tmp_path: Path) -> None:
    chat = {"messages": [{"role": "user", "content": "é" * 30}, {"content": "ok", "role": "assistant"}]}
    path = put(tmp_path, "a.jsonl", (json.dumps(chat) + "\n") * 5_000)
    batches = list(formats.read_batches(path, formats.detect_file(path)))
    together = [batch for batch in batches if isinstance(batch.cells["messages"], MessagesColumn)]
    assert sum(map(len, together)) > 4_000
    assert list(together[0].row(0).fields["messages"][1]) == ["content", "role"]
    assert [item for batch in batches for item in batch.items()] == list(formats.read(path, formats.detect_file(path)))


@pytest.mark.parametrize("indent", [None, 2])
def test_a_sound_array_is_read_many_at_a_time(tmp_path: Path, indent: int | None) -> None:
    rows = [{"instruction": f"Say {number}.", "input": "", "output": "é" * 30} for number in range(20_000)]
    path = put(tmp_path, "a.json", json.dumps(rows, indent=indent))
    batches = list(formats.read_batches(path, formats.detect_file(path)))
    together = [batch for batch in batches if isinstance(batch.cells["output"], TextColumn)]
    assert sum(map(len, together)) > 19_000
    assert [line for batch in batches for line in batch.lines][:3] == ([1, 1, 1] if indent is None else [2, 7, 12])
    assert [item.fields for batch in batches for item in batch.items() if not isinstance(item, Reject)] == rows
