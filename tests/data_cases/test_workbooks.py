"""Workbooks as people send them: formatted cells, cover pages, further sheets, merged cells, repeated headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.data.workbook.number_format import compiled
from core.errors import DataError
from core.messages import Finding, Reject
from tests.core.data.formats.support import detect, read, rejected, rows
from tests.support.workbook import Cell, Shown, write_sheets


def _book(folder: Path, table: list[list[Cell]], name: str = "a.xlsx", **more: Any) -> Path:
    write_sheets(folder / name, {"Data": table}, **more)
    return folder / name


def _fields(path: Path, **chosen: Any) -> list[dict[str, Any]]:
    return [fields for _, fields in rows(read(path, **chosen))]


def _findings(path: Path, *codes: str, **chosen: Any) -> list[Finding]:
    return [item for item in detect(path, **chosen).findings if item.code in codes]


# What Excel shows with English separators. Sources: ECMA-376 part 1, 18.8.30; Microsoft's "Number format codes".
SHOWN = [
    (code, float(value), text)
    for code, value, text in (
        line.split("\t") for line in Path(__file__).with_name("number_formats.tsv").read_text("utf-8").splitlines()
    )
]


@pytest.mark.parametrize(("code", "value", "text"), SHOWN, ids=[f"{code} {value}" for code, value, _ in SHOWN])
def test_a_format_shows_a_number_as_excel_does(code: str, value: float, text: str) -> None:
    assert compiled(code).shown(value) == text


def test_cells_come_as_they_are_shown(tmp_path: Path) -> None:
    table: list[list[Cell]] = [["code", "value"], *([code, Shown(value, code)] for code, value, _ in SHOWN)]
    found = [fields["value"] for fields in _fields(_book(tmp_path, table))]
    assert found == [text for _, _, text in SHOWN]


def test_cells_without_a_format_are_unchanged(tmp_path: Path) -> None:
    values: list[Cell] = ["00123", 12.5, 123456789012345.0, 0.1 + 0.2, 1e21, Shown("x", "0.00"), Shown(7, "General")]
    found = _fields(_book(tmp_path, [["a", "b"], *([value, "y"] for value in values)]))
    assert [row["a"] for row in found] == ["00123", "12.5", "123456789012345", "0.3", "1E+21", "x", "7"]


def test_a_format_for_texts_adds_what_excel_adds(tmp_path: Path) -> None:
    table: list[list[Cell]] = [["name", "x"], [Shown("Ann", '"Dr. "@'), "1"], [Shown("Ben", '0;-0;;@" (B)"'), "2"]]
    assert [row["name"] for row in _fields(_book(tmp_path, table))] == ["Dr. Ann", "Ben (B)"]


def test_dates_by_the_computers_region_are_in_iso_8601(tmp_path: Path) -> None:
    table: list[list[Cell]] = [["day", "x"], [Shown(44260, 14), "1"], [Shown(44260.5, 22), "2"]]
    table.append([Shown(44260, "[$-F800]dddd, mmmm dd, yyyy"), "3"])
    assert [row["day"] for row in _fields(_book(tmp_path, table))] == [
        "2021-03-05",
        "2021-03-05T12:00:00",
        "2021-03-05",
    ]


def test_days_counted_from_1904(tmp_path: Path) -> None:
    table: list[list[Cell]] = [["day", "x"], [Shown(0, "yyyy-mm-dd"), "1"], [Shown(42798, "dd.mm.yyyy"), "2"]]
    path = _book(tmp_path, table, from_1904=True)
    assert [row["day"] for row in _fields(path)] == ["1904-01-01", "05.03.2021"]


def test_formats_that_cannot_be_shown_are_named_with_their_column(tmp_path: Path) -> None:
    table: list[list[Cell]] = [["q", "price"], ["a", Shown(12.5, "[DBNum1]0.0")], ["b", Shown(3, ";;;")], ["c", 5]]
    path = _book(tmp_path, table)
    assert [row["price"] for row in _fields(path)] == ["12.5", "3", "5"]
    found = _findings(path, "xlsx_format")
    assert [item.field for item in found] == ["price", "price"]
    assert "hides the numbers" in found[0].message
    assert "[DBNum1]" in found[1].message


def test_a_table_that_begins_in_the_middle_of_the_sheet(tmp_path: Path) -> None:
    empty: list[Cell] = [None, None]
    table: list[list[Cell]] = [
        empty,
        empty,
        [None, "q", "a"],
        [None, "x", Shown(0.5, "0%")],
        [None, "y", Shown(1, "0%")],
    ]
    assert _fields(_book(tmp_path, table)) == [{"q": "x", "a": "50%"}, {"q": "y", "a": "100%"}]


FAQ: list[list[Cell]] = [["question", "answer"], *([f"Where is dock {n}?", f"Dock {n} is north."] for n in range(60))]


@pytest.mark.parametrize(
    "cover",
    [
        [["Support questions"], ["Prepared by Ann"], ["March 2026"]],
        [["Title", "Support questions"], ["Author", "Ann"], ["Date", "2026-03-01"], ["Version", "3"]],
        [["How to use this file:"], ["Each row of the next sheet is one question."], [None], ["Ask Ben for help."]],
        [["Titel:", "Fragen"], ["Abteilung:", "Hafen"], ["Stand:", "März"]],
        [[None, "Questions 2026"]],
    ],
)  # fmt: skip
def test_a_cover_page_is_passed_over_and_named(tmp_path: Path, cover: list[list[Cell]]) -> None:
    path = tmp_path / "a.xlsx"
    write_sheets(path, {"Cover": cover, "FAQ": FAQ})
    assert detect(path).sheet == "FAQ"
    assert len(_fields(path)) == 60
    (found,) = _findings(path, "sheet_cover", "sheets_unread")
    assert "'Cover'" in found.message
    assert "--sheet" in found.remedy
    assert detect(path, sheet="Cover", header=False).sheet == "Cover"
    assert _findings(path, "sheet_cover", sheet="Cover", header=False) == []


@pytest.mark.parametrize("count", [2, 3, 12, 200])
def test_a_first_sheet_with_a_table_is_not_a_cover(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.xlsx"
    first: list[list[Cell]] = [["question", "answer"], *([f"Who owns boat {n}?", "Ann."] for n in range(count))]
    write_sheets(path, {"Boats": first, "Docks": FAQ})
    assert detect(path).sheet == "Boats"
    (found,) = _findings(path, "sheet_cover", "sheets_unread")
    assert found.code == "sheets_unread"
    assert "'Docks' (61 rows)" in found.message
    assert "--sheet" in found.remedy


def test_a_workbook_of_texts_in_one_column_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_sheets(path, {"Texts": [["text"], ["one"], ["two"]], "More": [["three"]]})
    assert detect(path).sheet == "Texts"


def test_hidden_sheets_come_last(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_sheets(path, {"Lists": FAQ, "Docks": FAQ[:20]}, hidden=["Lists"])
    assert detect(path).sheet == "Docks"


MERGED: list[list[Cell]] = [
    ["kind", "question", "answer"],
    ["Sails", "a?", "1"], [None, "b?", "2"], [None, "c?", "3"],
    ["Ropes", "d?", "4"], [None, "e?", "5"],
    [None, "f?", "6"],
]  # fmt: skip


def test_merged_cells_are_named_and_repeated_by_choice(tmp_path: Path) -> None:
    path = _book(tmp_path, MERGED, merged={"Data": ["A2:A4", "A5:A6"]})
    assert [row["kind"] for row in _fields(path)] == ["Sails", "", "", "Ropes", "", ""]
    (found,) = _findings(path, "merged_cells")
    assert found.field == "kind"
    assert "2 to 4, 5 to 6" in found.message
    assert "--merged repeat" in found.remedy
    assert [row["kind"] for row in _fields(path, merged="repeat")] == ["Sails"] * 3 + ["Ropes"] * 2 + [""]
    assert _findings(path, "merged_cells", merged="repeat") == []


def test_merged_titles_above_the_table_are_no_finding(tmp_path: Path) -> None:
    table: list[list[Cell]] = [["All docks", None, None], [None, None, None], *MERGED]
    path = _book(tmp_path, table, merged={"Data": ["A1:C2"]})
    assert _findings(path, "merged_cells") == []
    assert len(_fields(path, merged="repeat")) == 6


def test_a_workbook_without_merged_cells_offers_no_choice_about_them(tmp_path: Path) -> None:
    from core.data import formats

    found = detect(_book(tmp_path, MERGED))
    assert [choice.id for choice in formats.choices(found, found)] == ["format", "header", "skip_lines", "names"]
    merged = detect(_book(tmp_path, MERGED, merged={"Data": ["A2:A4"]}))
    assert "merged" in [choice.id for choice in formats.choices(merged, merged)]


def test_a_repeated_header_is_rejected_with_its_row(tmp_path: Path) -> None:
    path = _book(tmp_path, [*FAQ[:4], FAQ[0], *FAQ[4:8], FAQ[0]])
    items = read(path)
    assert rejected(items) == [("header_repeated", 5), ("header_repeated", 10)]
    assert len(rows(items)) == 7
    assert [item.raw for item in items if isinstance(item, Reject)] == ["question\tanswer"] * 2


@pytest.mark.parametrize("name", ["excel_formats", "two_sheets", "merged_cells"])
def test_the_shared_workbooks(real_data: Path, name: str) -> None:
    path = real_data / "cases" / f"{name}.xlsx"
    if name == "excel_formats":
        assert [row["answer"] for row in _fields(path)] == [
            "7.5%", "0000123", "$1,234.50", "03/05/2021", "1.10", "12,000", "1:30", "05.03.2021 14:05", "(5.50)", "1/4",
            "123456789012", "ORD-4711", "30:15", "TRUE",
        ]  # fmt: skip
    elif name == "two_sheets":
        (found,) = _findings(path, "sheets_unread")
        assert "'Ben' (16 rows)" in found.message
        assert len(_fields(path, sheet="Ben")) == 15
    else:
        assert len({row["kind"] for row in _fields(path, merged="repeat")}) == 2
        assert [item.field for item in _findings(path, "merged_cells")] == ["kind"]


def test_an_unknown_sheet_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no sheet 'Nowhere'"):
        detect(_book(tmp_path, FAQ), sheet="Nowhere")
