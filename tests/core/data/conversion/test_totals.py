"""Total rows and mixed decimals are noticed, and total rows can be left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from core.data.conversion.analysis import Analysis, analyze, analyze_batches
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.formats.parsing.batches import RowBatch, from_items
from core.errors import DataError
from core.messages import Reject, Row

ITEMS = [["Table", "oak", "1.014,95"], ["Chair", "beech", "129,00"], ["Shelf", "pine", "349,50"], ["Lamp", "", "80,00"]]


def rows(*lists: Sequence[Any], names: Sequence[str] = ("item", "wood", "price")) -> list[Row]:
    return [Row(line, dict(zip(names, cells, strict=True))) for line, cells in enumerate(lists, 2)]


@pytest.mark.parametrize(
    "label", ["Summe", "TOTAL:", "Gesamtsumme netto", "Итого", "合计", "Grand total", "Sous-total", "المجموع"]
)
def test_a_total_row_is_noticed_by_its_word(label: str) -> None:
    (total,) = analyze(rows(*ITEMS, [label, "", "1.573,45"])).totals
    assert (total.line, total.label, total.sums) == (6, label, ("price",))


def test_the_last_row_is_noticed_by_its_sum_alone() -> None:
    found = analyze(rows(*ITEMS, ["", "", "1.573,45"]))
    assert [(total.line, total.label, total.sums) for total in found.totals] == [(6, "", ("price",))]
    (finding,) = found.findings
    assert finding.message == "Line 6 looks like a total row: it has the sum of the rows above in `price`."
    assert "--leave-out 6" in finding.remedy


def test_subtotals_and_the_total_of_all() -> None:
    table = rows(*ITEMS[:3], ["Subtotal", "", "1.493,45"], ["Lamp", "glass", "80,00"], ["Vase", "glass", "20,00"],
                 ["Total", "", "1.593,45"])  # fmt: skip
    assert [(total.line, total.sums) for total in analyze(table).totals] == [(5, ("price",)), (8, ("price",))]


@pytest.mark.parametrize(
    "last",
    [
        ["Total", "steel", "20,00"],  # a brand with all its cells
        ["Sofa", "", "1.573,45"],  # a sum by chance, in a row with a name
        ["", "", "1.500,00"],  # no sum
        ["Sum of parts, a book about totals", "", "12,00"],
    ],
)
def test_other_last_rows_are_not_totals(last: list[str]) -> None:
    assert analyze(rows(*ITEMS, last)).totals == ()


def test_a_glossary_with_the_word_total_has_no_total_row() -> None:
    table = rows(
        ["Sum", "what addition returns", "3"], ["Total", "the sum of all parts", "5"], ["Mean", "average", "4"]
    )
    assert analyze(table).totals == ()


def test_the_last_row_of_a_long_table_is_looked_at() -> None:
    long = rows(*([f"item {n}", "oak", "2,50"] for n in range(900)), ["Summe", "", "2.250,00"])
    for batches in (from_items(long, 100), from_items(long, 5_000)):
        assert [total.line for total in analyze_batches(batches, limit=200).totals] == [902]


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        (["1.014,95", "2,50", "12"], "comma"),
        (["1,014.95", "2.50", "12"], "point"),
        (["1.014,95", "2.50", "12"], "mixed"),
        ([1.5, "2,50"], "mixed"),
        (["1.200", "900"], "either"),
    ],
)
def test_mixed_decimals_are_noticed(values: list[Any], decimals: str) -> None:
    found = analyze(rows(*([value] for value in values), names=["price"]))
    assert (found.columns[0].type, found.columns[0].decimals) == ("number", decimals)
    assert [item.code for item in found.findings] == (["mixed_decimals"] if decimals == "mixed" else [])
    assert Analysis.from_dict(found.to_dict()) == found


def test_the_finding_shows_a_number_of_each_kind() -> None:
    (finding,) = analyze(rows(["9,90 €"], ["4.50 €"], ["1.014,95 €"], names=["Preis"])).findings
    assert finding.message == (
        "`Preis` has numbers with a decimal comma (“9,90 €”) and with a decimal point (“4.50 €”)."
    )


@pytest.mark.parametrize("by_columns", [False, True])
def test_a_row_left_out_is_a_reject_with_its_reason(by_columns: bool) -> None:
    recipe = Recipe.of({"template": "qa", "mapping": {"key": "item", "target": "price"}, "leave_out": [6, 99]})
    assert Recipe.of(recipe.to_dict()) == recipe
    table = rows(*ITEMS, ["Summe", "", "1.573,45"])
    labeler = Labeler(recipe, "x")
    batch: list[RowBatch] = list(from_items(table))
    made = list(labeler.run_batches(batch) if by_columns else labeler.run(table))
    (refused,) = [item for item in made if isinstance(item, Reject)]
    assert (refused.line, refused.findings[0].code) == (6, "row_left_out")
    assert "1.573,45" in refused.raw
    assert (labeler.read, labeler.accepted, labeler.rejected) == (5, 4, 1)
    assert sum(isinstance(item, Labeled) for item in made) == 4


def test_other_lines_than_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="leave_out"):
        Recipe.of({"template": "qa", "leave_out": ["last"]})
