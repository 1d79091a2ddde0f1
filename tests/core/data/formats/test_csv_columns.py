"""What is read by columns is what the strict reader reads: cells, physical lines and rejects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

from core.data import formats
from core.data.examples.texts import TextColumn
from core.data.formats import Detection
from core.data.formats.parsing import csv_columns, csv_records, text_buffer
from core.messages import Reject, Row
from tests.core.data.formats.support import put
from tests.support.series import series

# Sound rows, and every kind of dirt between them.
ROWS = [
    "a,b", 'é,"x, y"', '"one\ntwo",c', '"say ""hi""",d', '"",""', ",", '" a ", b', '"1\r\n2",3', "ü\u2028,\x0b",
    "'q,r'",
]  # fmt: skip
DIRT = [
    '5" nails,b', '"open,b', '"a"b,c', "one", "a,b,c", "", " ", '"",', '"""",b', "\ufeffa,b", '\ufeff"a",b', "a\rb,c",
    "a,b\r", "nul\0,b", 'a,"', '"a,b"', "#no,te", '"""open,b', 'x,""y',
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("columns")


def _read(path: Path, quote: str | None, *, header: bool) -> list[Row | Reject]:
    found = Detection("csv", "utf-8", delimiter=",", quotechar=quote, header=header, columns=("q", "a"))
    return [item for batch in formats.read_batches(path, found) for item in batch.items()]


@settings(max_examples=series(400), deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(ROWS), st.sampled_from(ROWS), st.sampled_from(DIRT)), max_size=30),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 60),
    st.booleans(),
    st.sampled_from(['"', "'", None]),
    st.booleans(),
)
@example(["a,b", "\ufeffa,b"], "\n", 4, False, '"', True)
@example(['"",""', '"",'], "\n", 1, True, '"', True)
@example(["", "a,b", "a,b", "a,b"], "\n", 1, True, '"', False)
@example(['"one\ntwo",c'] * 5, "\n", 9, True, '"', True)
def test_columns_and_the_strict_reader_agree(
    folder: Path, lines: list[str], end: str, block: int, header: bool, quote: str | None, last_end: bool
) -> None:
    path = put(folder, "a.csv", end.join(lines) + end * last_end)
    strict = _read(path, quote, header=header)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_columns, "LEAST", 1)
        patch.setattr(csv_columns, "_LEAST_RECORDS", 1)
        assert _read(path, quote, header=header) == strict
        patch.setattr(text_buffer, "BLOCK", block)
        patch.setattr(csv_records, "_SLOW_RECORDS", 1)
        assert _read(path, quote, header=header) == strict


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "cp1252", "utf-8-sig"])
def test_a_sound_file_is_read_by_columns_whatever_its_encoding(tmp_path: Path, codec: str) -> None:
    text = "q,a\n" + "".join(f'"{number}, é",{number} euro\n' for number in range(20_000))
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(codec))
    batches = list(formats.read_batches(path, formats.detect_file(path, path.name, {"encoding": codec})))
    assert all(isinstance(batch.cells["q"], TextColumn) for batch in batches)
    assert [line for batch in batches for line in batch.lines] == list(range(2, 20_002))
    assert batches[-1].cells["q"][-1] == "19999, é"


def test_one_ragged_row_costs_only_its_surroundings(tmp_path: Path) -> None:
    lines = [f"{number},b" for number in range(20_000)]
    lines[9_000] = "a,b,c"
    path = put(tmp_path, "a.csv", "q,a\n" + "\n".join(lines) + "\n")
    batches = list(formats.read_batches(path, formats.detect_file(path)))
    assert isinstance(batches[0].cells["q"], TextColumn)
    assert len(batches[0]) == 9_000
    rejected = [item for batch in batches for item in batch.rejects]
    assert [(item.line, item.raw) for item in rejected] == [(9_002, "a,b,c")]
