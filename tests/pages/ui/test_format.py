"""Numbers for people, and user text that is never markup."""

from __future__ import annotations

import time

import pytest

from pages.ui.format import ago, duration, md, number, plural, sentence, short, size


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 bytes"), (1, "1 byte"), (2048, "2.0 KB"), (84 * 2**20, "84.0 MB"), (104_857_600, "100 MB"), (None, "–")],
)
def test_sizes(value: float | None, shown: str) -> None:
    assert size(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.25, "0.2 s"), (8, "8 s"), (89, "89 s"), (240, "4 min"), (4800, "1 h 20 min"), (7200, "2 h"), (None, "–")],
)
def test_durations(value: float | None, shown: str) -> None:
    assert duration(value) == shown


def test_numbers() -> None:
    assert [number(value) for value in (12480, 0.58, 2e-5, 1234.5, None)] == ["12,480", "0.58", "2e-05", "1,234", "–"]
    assert plural(1, "row") == "1 row"
    assert plural(3214, "row") == "3,214 rows"
    assert ago(time.time() - 3) == "just now"
    assert short("abcdef", 4) == "abc…"


@pytest.mark.parametrize("text", ["*bold*", "[a](b)", "# head", "`x`", "<b>", "$x$", "| a |", "~~x~~", "{{column}}"])
def test_user_text_is_escaped(text: str) -> None:
    plain = md(text)
    marks = [character for character in text if character in "*[]()#`<>$|~{}"]
    assert all(f"\\{mark}" in plain for mark in marks)


@pytest.mark.parametrize("text", [":red[x]", ":material/home:", ":fire:", "http://x.y", "a@b.co"])
def test_user_text_does_not_become_a_color_an_icon_an_emoji_or_a_link(text: str) -> None:
    assert md(text) != text
    assert md(text).replace("\u200b", "").replace("\\", "") == text


def test_code_in_a_message_is_shown_as_code() -> None:
    assert sentence("Line 17: `answer` is *empty*.") == r"Line 17: `answer` is \*empty\*\."
    assert sentence("an odd ` tick") == r"an odd \` tick"
