"""Invisible characters are named, and markup of a text is not markup of the page."""

from __future__ import annotations

import pytest

from pages.ui.escaping import escaped, md_answer, visible


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\u200b", "\u202e", "\u2066", "\ufeff", "\ud800", "\U000e0041"])
def test_characters_that_hide_or_turn_text_are_named(character: str) -> None:
    assert visible(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"


@pytest.mark.parametrize("text", ["tab\tand\nline", "👩\u200d💻", "می\u200cخواهم", "naïve 日本語"])
def test_what_scripts_and_emoji_need_is_kept(text: str) -> None:
    assert visible(text) == text


def test_markup_is_escaped() -> None:
    assert escaped("<script>alert('x') & </script>") == "&lt;script&gt;alert(&#x27;x&#x27;) &amp; &lt;/script&gt;"


@pytest.mark.parametrize("address", ["https://x.example/a", "http://x.example", "www.x.example", "me@x.example"])
def test_an_address_in_an_answer_is_no_link(address: str) -> None:
    shown = md_answer(f"See {address}, **please**.")
    assert address not in shown.replace("\\", "")
    assert "**please**" in shown
