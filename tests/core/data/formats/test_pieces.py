"""A file in pieces has the same rows and rejects as the file, and reading can begin at the edges of each piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from core.data import formats
from core.data.formats import Detection
from core.data.formats.parsing import csv_columns
from core.data.formats.pieces import stretches
from core.errors import DataError
from tests.core.data.formats.support import put
from tests.core.data.formats.test_csv_columns import DIRT, ROWS
from tests.core.data.formats.test_json_columns import records
from tests.support.series import series


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("pieces")


def _items(batches: Any) -> list[Any]:
    """Every record, with its number on its line."""
    return [(item, getattr(item.line, "record", None)) for batch in batches for item in batch.items()]


def _compare(path: Path, found: Detection, size: int) -> int:
    """Sound pieces and the rest behind each are the file; returns how many pieces are sound."""
    expected = _items(formats.read_batches(path, found))
    done: list[Any] = []
    sound = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "SIZE", size)
        patch.setattr(csv_columns, "_LEAST_RECORDS", 1)
        for piece in formats.pieces(path, found):
            assert done + _items(formats.read_batches(path, found, place=piece.start)) == expected
            batches = piece.batches()
            if batches is None:
                break
            done += _items(batches)
            sound += 1
            assert done + _items(formats.read_batches(path, found, place=piece.end)) == expected
    return sound


@settings(max_examples=series(80), deadline=None)
@given(
    st.lists(st.one_of(*[st.sampled_from(ROWS)] * 4, st.sampled_from(DIRT)), max_size=20),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 60),
    st.integers(0, 2),
    st.sampled_from(['"', "'", None]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.integers(0, 1),
)
@example(["a,b", "a,b", "a,b"], "\n", 4, 1, '"', "utf-8-sig", 0)
def test_csv(
    folder: Path, lines: list[str], end: str, size: int, header: int, quote: str | None, codec: str, skip: int
) -> None:
    path = put(folder, "a.csv", (end.join(lines) + end).encode(codec))
    found = Detection("csv", codec, delimiter=",", quotechar=quote, header=header, columns=("q", "a"), skip_lines=skip)
    _compare(path, found, size)


@settings(max_examples=series(80), deadline=None)
@given(
    records, st.sampled_from([None, 2]), st.booleans(), st.sampled_from([",", ",\n", ",\r\n  "]), st.integers(1, 200)
)
@example([{"q": [{"from": "a", "q": "b"}]}] * 3, None, True, ",", 30)
def test_an_array(folder: Path, items: list[Any], indent: int | None, inside: bool, between: str, size: int) -> None:
    written = [item if isinstance(item, str) else json.dumps(item, indent=indent, ensure_ascii=False) for item in items]
    array = f"[\n{between.join(written)}\n]\n"
    path = put(folder, "a.json", f'{{"é": 1, "rows": {array}, "x": 2}}' if inside else array)
    found = Detection("json", "utf-8", layout="object" if inside else "array", array_path=("rows",) if inside else ())
    try:
        list(formats.read_batches(path, found))
    except DataError:
        return  # empty
    _compare(path, found, size)


@settings(max_examples=series(80), deadline=None)
@given(records, st.sampled_from(["\n", "\r\n", "\n\n"]), st.integers(1, 200), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_lines(folder: Path, items: list[Any], end: str, size: int, codec: str) -> None:
    written = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in items]
    path = put(folder, "a.jsonl", (end.join(written) + end).encode(codec))
    _compare(path, Detection("jsonl", codec, layout="lines"), size)


def test_sound_files_are_cut_to_their_end(folder: Path) -> None:
    rows = [{"instruction": f"Say {number}.", "input": "", "output": "é\n" * 9} for number in range(900)]
    quoted = "".join(f'"{row["output"]}",{row["instruction"]}\n' for row in rows)
    texts = {
        "a.csv": "output,instruction\n" + quoted,
        "a.json": json.dumps(rows, indent=2),
        "a.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
    }
    for name, text in texts.items():
        path = put(folder, name, text)
        assert _compare(path, formats.detect_file(path), 5_000) >= 5, name


def test_a_file_that_is_not_utf_8_or_is_packed_is_not_cut(folder: Path) -> None:
    path = put(folder, "a.csv", ("q,a\n" + "é,b\n" * 2_000).encode("cp1252"))
    assert not list(formats.pieces(path, formats.detect_file(path)))
    path = put(folder, "b.csv", b"q,a\n" + b"a,b\n" * 2_000 + b"\xff,b\n" + b"a,b\n" * 2_000)
    found = Detection("csv", "utf-8", delimiter=",", quotechar='"', header=1, columns=("q", "a"))
    assert _compare(path, found, 2_000) == 4
