"""What cells contain: numbers of any country, questions of any language, identifiers."""

from __future__ import annotations

import time

import pytest

from core.data.conversion.content import numbers
from core.data.conversion.content.signals import is_question, measure
from core.data.conversion.content.words import header_rank


@pytest.mark.parametrize(
    ("text", "style", "value"),
    [
        ("1.014,95", "comma", 1014.95),
        ("1,014.95", "point", 1014.95),
        ("1 014,95", "comma", 1014.95),
        ("1\u202f014,95 €", "comma", 1014.95),
        ("1'014.95", "point", 1014.95),
        ("CHF 1’014.95", "point", 1014.95),
        ("12,34,567.00", "point", 1_234_567.0),
        ("2.480.100", "comma", 2_480_100.0),
        ("€ 9,90", "comma", 9.9),
        ("-12,5 %", "comma", -12.5),
        ("12,50-", "comma", -12.5),
        ("(1,234.50)", "point", -1234.5),
        ("$1,200", "either", 1200.0),
        ("1.200", "either", 1200.0),
        ("0.125", "point", 0.125),
        ("42", "either", 42.0),
        ("1e5", "either", 100_000.0),
    ],
)
def test_numbers_of_any_country(text: str, style: str, value: float) -> None:
    assert numbers.style(text) == style
    assert numbers.value(text, "either") == value


@pytest.mark.parametrize(
    "text", ["", "-", "00123", "1.2.26", "12.03.2025", "INC-20381", "10:30", "5/5", "1.1.1.1", "3 kg", "1,2,3", "٣ كتب"]
)
def test_other_texts_are_not_numbers(text: str) -> None:
    assert numbers.style(text) is None
    assert numbers.value(text, "either") is None


def test_a_number_that_leaves_it_open_is_read_as_the_column_writes_its_decimals() -> None:
    assert [numbers.value("1.200", sign) for sign in ("comma", "point")] == [1200.0, 1.2]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["Where is it?", "where is my order", "Wie geht das", "注文をキャンセルできますか", "多少钱？", "¿Dónde está?",
     "هل يمكن ذلك؟", "Πότε θα έρθει;", "Jak to działa", "What (exactly)?", "“Really?”", "nasıl iptal ederim"],
)  # fmt: skip
def test_questions(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "It is here.",
        "Mit freundlichen Grüßen",
        "a; b;",
        "Whatever",
        "Der Versand ist frei",
        "可以取消。",
        "See page 3?a=1 now",
    ],
)
def test_statements(text: str) -> None:
    assert not is_question(text)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("x", ["1", "2", "3", "5"]),
        ("x", ["INC-20381", "INC-20382", "INC-20399"]),
        ("x", ["5f2a01", "9be1aa", "0c7d00"]),
        ("x", ["menu.file.open", "menu.file.save", "dialog.x"]),
        ("x", ["M 1904/12", "M 1911/02", "M 1950/33"]),
        ("x", ["https://a.example/1", "https://a.example/2"]),
        ("Kunden-Nr.", ["471", "99", "3"]),
        ("db_id", ["shop", "shop", "school"]),
    ],
)
def test_identifiers(name: str, cells: list[str]) -> None:
    assert measure(name, cells).identifier


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("year", ["1990", "1991", "1992"]),
        ("x", ["0.9 kg", "1.4 kg", "0.1 kg"]),
        ("area", ["43.094 km²", "45.227 km²", "65.300 km²"]),
        ("price", ["9", "14", "3"]),
        ("x", ["red", "green", "blue"]),
        ("x", ["How to open 2 files", "How to close 3 files", "How to save 4 files"]),
    ],
)
def test_what_says_something_is_not_an_identifier(name: str, cells: list[str]) -> None:
    assert not measure(name, cells).identifier


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Kundenfrage", "question"),
        ("customerMessage", "text"),
        ("body.question", "question"),
        ("回答内容", "answer"),
        ("Câu hỏi", "question"),
        ("Rechnungsnummer", "id"),
        ("Unnamed: 0", "id"),
        ("ticket_no", "id"),
    ],
)
def test_names_of_columns(name: str, role: str) -> None:
    assert header_rank(name, role) is not None


def test_a_short_word_inside_another_one_does_not_count() -> None:
    assert header_rank("nothing", "id") is None  # "no"
    assert header_rank("pointer", "id") is None


HOSTILE = [
    "a_",
    "a-",
    "ab",
    "A ",
    "?",
    "? ",
    "1 ",
    "1,",
    "/a",
    "'",
    "1.1",
    "A.",
    "a@",
    "a1 ",
    "(1",
    "1 a",
    "¿",
    "é:",
    "1.1 a",
]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("end", ["!", " !", ""])
def test_a_hostile_cell_costs_no_more_than_its_length(unit: str, end: str) -> None:
    cells = [unit * (20 + n) + end for n in range(3)] + [unit * (2_000 // len(unit) - n) + end for n in range(3)]
    began = time.process_time()
    measure("x", cells)
    assert time.process_time() - began < 1
