"""Patterns substitute and never evaluate."""

from __future__ import annotations

import pytest

from core.data.conversion.patterns import Pattern
from core.errors import DataError


def test_names_are_replaced_once_and_never_evaluated() -> None:
    pattern = Pattern.parse("{{a}} and {{ b }}: {x.__class__} {{a}}", {"a", "b"})
    values = {"a": "{{b}}", "b": "{{a}} {0.__class__} %s $a"}
    assert pattern.fill(values) == "{{b}} and {{a}} {0.__class__} %s $a: {x.__class__} {{b}}"


def test_text_around_stays_as_it_is() -> None:
    for text in ("", "plain", "{single}", "{{", "}}", "{{unclosed", " spaces \n kept "):
        assert Pattern.parse(text, {"a"}).fill({}) == text


def test_column_names_may_hold_anything_but_braces() -> None:
    assert Pattern.parse("{{my column (€)}}", {"my column (€)"}).fill({"my column (€)": "x"}) == "x"
    assert Pattern.parse("{{ padded }}", {" padded "}).fill({" padded ": "x"}) == "x"


@pytest.mark.parametrize("text", ["{{c}}", "{{}}", "{{a.__class__}}", "{{a|upper}}", "{{ 7*7 }}", "{{A}}"])
def test_an_unknown_column_is_refused_by_name(text: str) -> None:
    with pytest.raises(DataError) as caught:
        Pattern.parse(text, {"a", "b"}, where="Question")
    assert caught.value.code == "column_missing"
    assert "a, b" in caught.value.remedy
    assert "Question" in caught.value.message
