"""Reading in blocks and line by line returns the same records, lines and rejects; and always ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from core.data import formats
from core.data.formats import Detection
from core.data.formats.parsing import csv_records, text_buffer
from core.messages import Reject, Row
from tests.core.data.formats.support import put, rejected, rows
from tests.support.series import series

PIECES = ['"', '""', ",", "\n", "\r\n", "\r", "a", "b c", "é", "\0", "\u2028", '"x\ny"', '"never', "a,b\n", "\n\n"]


def _items(path: Path, codec: str = "utf-8", header: bool = False) -> list[Row | Reject]:
    found = Detection("csv", codec, delimiter=",", quotechar='"', header=header, columns=("q", "a"))
    return list(formats.read(path, found))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("records")


@settings(max_examples=series(150), deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.integers(1, 30), st.booleans())
def test_blocks_and_single_lines_agree(folder: Path, text: str, block: int, header: bool) -> None:
    path = put(folder, "a.csv", text)
    whole = _items(path, header=header)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_buffer, "BLOCK", block)
        patch.setattr(csv_records, "_SLOW_RECORDS", 1)
        in_pieces = _items(path, header=header)
        patch.setattr(text_buffer, "LONGEST_BLOCK", 1)
        patch.setattr(csv_records, "_is_damaged", lambda text: True)
        by_line = _items(path, header=header)
    assert whole == in_pieces == by_line


@settings(max_examples=series(100), deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.integers(1, 5))
def test_batches_and_rows_agree(folder: Path, text: str, size: int) -> None:
    path = put(folder, "a.csv", text)
    found = Detection("csv", "utf-8", delimiter=",", quotechar='"', header=False, columns=("q", "a"))
    batches = list(formats.read_batches(path, found, size))
    assert [item for batch in batches for item in batch.items()] == list(formats.read(path, found))


def test_lines_stay_physical_over_many_blocks(tmp_path: Path) -> None:
    text, expected, line = "q,a\n", [], 2
    for number in range(60_000):
        cell = f"{number}\n{number}" if number % 7 == 0 else str(number)
        text += f'"{cell} and so on, with words",a\n'
        expected.append(line)
        line += 1 + (number % 7 == 0)
    items = _items(put(tmp_path, "a.csv", text), header=True)
    assert [found for found, _ in rows(items)] == expected


def test_an_unclosed_quote_in_a_large_file_costs_its_own_line(tmp_path: Path) -> None:
    text = 'q,a\n1,"opened\n' + "2,words that fill the line up to some length\n" * 260_000
    items = _items(put(tmp_path, "a.csv", text), header=True)
    assert rejected(items) == [("csv_unclosed_quote", 2)]
    assert len(rows(items)) == 260_000


def test_quotes_that_always_open_do_not_take_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "_MAX_WASTED", 2_000_000)
    text = "q,a\n" + 'a","\n' * 50_000  # each line alone is unclosed, together they never end
    items = _items(put(tmp_path, "a.csv", text), header=True)
    assert {code for code, _ in rejected(items)} == {"csv_unclosed_quote"}
    assert "\n".join(item.raw for item in items if isinstance(item, Reject)) == text[4:].rstrip("\n")
