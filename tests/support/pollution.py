"""Polluted CSVs, made from one invented table in the ways of the Pollock benchmark, and its score of a reader.

Source: Vitagliano et al., "Pollock: A Data Loading Benchmark", PVLDB 16(8), 2023: the kinds of pollution and the
measures. Tables, texts and code are our own; the weights are rounded from what is published for its files.

`python -m tests.support.pollution` prints the scores of the studio's reader.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from core.data import formats
from core.errors import DataError
from core.messages import Row

Table = list[list[str]]

_HEADER = ["DATE", "TIME", "Qty", "ITEMCODE", "Price", "ItemType", "ItemDescription", "URL", "Remarks"]
_ITEMS = ["Garden Rake", "Kids' Wheelbarrow, Small", 'Hose, 3/4" Brass End', "Men's Boots", 'Round Table, 48"', "Twine"]
_TEXTS = [
    "A rake for leaves, moss and gravel, with a handle that won't splinter.",
    "Light enough for the youngest helper; the wheel is made of rubber, the tray of steel.",
    'Fits every tap of 3/4", and stays tight.',
    "These boots keep out rain, mud and dew, and are warm in March.",
    "Seats six, folds flat, and weathers to grey.",
    "Strong, soft, and ready for tomatoes.",
]


def source(rows: int = 83) -> Table:
    """A header and rows with dates, times, amounts, names, sentences and addresses; the last column is empty."""
    table = [list(_HEADER)]
    for number in range(rows):
        table.append([
            f"{number % 28 + 1:02d}/{number % 12 + 1:02d}/2023", f"{number % 24:02d}:{number % 4 * 15:02d}",
            str(number % 13), f"{'ABCDEF'[number % 6]}K-{1000 + 37 * number}", f"${number % 97}.{number % 10}5",
            _ITEMS[number % 6], _TEXTS[number % 6], f"https://www.example.com/item/{1000 + 37 * number}.html", "",
        ])  # fmt: skip
    return table


@dataclass(frozen=True)
class Style:
    """How a table is written."""

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None  # before a quote inside a quoted cell; None: it is doubled
    end: str = "\r\n"

    def cell(self, text: str, column: int) -> str:
        if not (column in (6, 7) or any(mark in text for mark in (self.delimiter, self.quote, ","))):
            return text
        escaped = self.quote if self.escape is None else self.escape
        return self.quote + text.replace(self.quote, escaped + self.quote) + self.quote

    def line(self, row: list[str]) -> list[str]:
        """The cells and the delimiters between them, as separate pieces."""
        pieces = []
        for column, text in enumerate(row):
            pieces += [self.delimiter] * bool(column) + [self.cell(text, column)]
        return pieces

    def text(self, table: Table) -> str:
        return "".join("".join(self.line(row)) + self.end for row in table)


class Polluted(NamedTuple):
    """A file, what should be read from it (header first), and how much it counts in the weighted score."""

    name: str
    text: str
    clean: Table
    weight: float


def polluted(rows: int = 83) -> Iterator[Polluted]:
    """Every kind of pollution; those of single rows once for each row and column."""
    table, style = source(rows), Style()
    header, body = table[0], table[1:]
    text = style.text(table)
    yield Polluted("source", text, table, 1)
    yield Polluted("no_trailing_newline", text.removesuffix("\r\n"), table, 184)
    yield Polluted("double_trailing_newline", text + "\r\n", table, 5)
    yield Polluted("no_header", style.text(body), body, 470)
    for count in (2, 3):
        yield Polluted(f"header_multirow_{count}", style.text([header] * count + body), table, 47)
    yield Polluted("preamble", style.text([["PREAMBLE", *[""] * 8], [""] * 9]) + text, table, 282)
    for name, width in (("less", 8), ("same", 9), ("more", 10)):
        other = [[f"{kind}{column}" for column in range(width)] for kind in ["name", *[f"v{n}_" for n in range(rows)]]]
        yield Polluted(f"multitable_{name}", text + style.text(other), table, 63)
    yield Polluted("one_data_row", style.text(table[:2]), table[:2], 4)
    for name, other_style, weight in (
        ("record_delimiter_lf", replace(style, end="\n"), 1691),
        ("record_delimiter_cr", replace(style, end="\r"), 7),
        ("field_delimiter_semicolon", replace(style, delimiter=";"), 834),
        ("field_delimiter_tab", replace(style, delimiter="\t"), 4),
        ("field_delimiter_comma_space", replace(style, delimiter=", "), 101),
        ("field_delimiter_space", replace(style, delimiter=" "), 4),
        ("quotation_char_single", replace(style, quote="'"), 11),
        ("escape_char_backslash", replace(style, escape="\\"), 1),
        ("escape_char_none", replace(style, escape=""), 7),
    ):
        yield Polluted(name, other_style.text(table), table, weight)
    for number, row in enumerate(table):
        yield from _polluted_row(table, number, style.line(row), style)


def _polluted_row(table: Table, number: int, pieces: list[str], style: Style) -> Iterator[Polluted]:
    before, after = style.text(table[:number]), style.text(table[number + 1 :])

    def of(name: str, changed: list[str], weight: float, clean: Table = table) -> Polluted:
        return Polluted(f"{name}_row{number}", before + "".join(changed) + style.end + after, clean, weight)

    for column in range(len(table[0])):
        at = 2 * column
        yield of(f"more_sep_col{column}", [*pieces[:at], ",", *pieces[at:]], 0.37)
        if column:
            yield of(f"less_sep_col{column}", [*pieces[: at - 1], *pieces[at:]], 0.37)
        quoted = [row if index != number else [*row] for index, row in enumerate(table)]
        quoted[number][column] = '"' + quoted[number][column]
        yield of(f"extra_quote_col{column}", [*pieces[:at], '"' + pieces[at], *pieces[at + 1 :]], 0.02, quoted)
    yield of("field_delimiter_space", [" " if piece == "," else piece for piece in pieces], 0.02)


def measures(expected: Table, found: Table) -> list[float]:
    """Precision, recall and F1 of the header, of the records, and of the cells, each as a multiset."""
    return [
        *_compared(expected[0], found[0] if found else []),
        *_compared(["".join(row) for row in expected[1:]], ["".join(row) for row in found[1:]]),
        *_compared([cell for row in expected for cell in row], [cell for row in found for cell in row]),
    ]


def _compared(expected: list[str], found: list[str]) -> tuple[float, float, float]:
    if not expected:
        return 1.0, 1.0, 1.0
    common = (Counter(expected) & Counter(found)).total()
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / len(expected), common / len(found)
    return precision, recall, 2 * precision * recall / (precision + recall)


def load(path: Path) -> Table | None:
    """What the studio reads as it was detected, without rejects; None where it refuses the file."""
    try:
        found = formats.detect_file(path)
        rows = [list(map(str, item.fields.values())) for item in formats.read(path, found) if isinstance(item, Row)]
    except DataError:
        return None
    return [list(found.columns), *rows] if found.header else rows


def scores(rows: int = 83) -> tuple[float, float, dict[str, float]]:
    """The simple score, the weighted one, and the score of each file, of 10 each."""
    by_name, total, weights = {}, 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        for item in polluted(rows):
            path = Path(folder) / f"{item.name}.csv"
            path.write_bytes(item.text.encode())
            found = load(path)
            by_name[item.name] = 0.0 if found is None else 1 + sum(measures(item.clean, found))
            total += item.weight * by_name[item.name]
            weights += item.weight
    return sum(by_name.values()) / len(by_name), total / weights, by_name


if __name__ == "__main__":
    simple, weighted, each = scores(int(sys.argv[1]) if len(sys.argv) > 1 else 83)
    print(f"{len(each):,} files: simple {simple:.3f}, weighted {weighted:.3f}")
    for name, score in sorted(each.items(), key=lambda entry: entry[1])[:40]:
        print(f"{score:7.3f}  {name}")
