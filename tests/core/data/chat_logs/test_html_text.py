"""HTML of messages as text."""

from __future__ import annotations

import time

import pytest

from core.data.chat_logs.parsing.html_text import html_text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a < b && c > d\n  e", "a < b && c > d\n  e"),
        ("<p>One<br>two</p>\n<p>Three &amp; four&nbsp;</p>", "One\ntwo\n\nThree & four"),
        ("<style>p {color: red}</style><div>Text<!-- no --></div>", "Text"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n\n- b"),
        ('<a href="https://x.y?a=1&b=2">here</a>, please', "here, please"),
        ("1 &lt; 2 &eacute;", "1 < 2 é"),
        ("<script>x", ""),
    ],
)
def test_markup_becomes_text(written: str, shown: str) -> None:
    assert html_text(written) == shown


def test_broken_markup_takes_no_time() -> None:
    begun = time.perf_counter()
    for piece in ("<style", "<style>", "<p", "&lt;", "<!--", "</"):
        html_text(piece * 100_000)
    assert time.perf_counter() - begun < 5
