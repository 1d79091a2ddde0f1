"""Markup in text from outside: pictures, links, styles, icons, formulas and diagrams in names, errors and answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from pages.ui.escaping import md, md_answer, md_code, sentence, visible
from tests.support.chromium import chromium
from tests.support.markup import CONFUSING, MARKUP
from tests.support.web import web_process

KINDS = ("markdown", "bold", "caption", "write", "sentence", "code", "button", "checkbox", "metric", "error")
MADE = """element => {
    const found = selector => [...element.querySelectorAll(selector)].map(item => item.outerHTML.slice(0, 200))
    return {
        text: element.innerText,
        pictures: found('img, svg.mermaid, [data-testid=stMermaid], object, embed, iframe, video, script, link'),
        styles: found('[style*=url], .stMarkdownColoredBackground, .stMarkdownBadge, .katex, ' +
                      '[data-testid=stIconMaterial][aria-label], [data-testid=stMarkdownMaterialIcon], [role=img]'),
        links: [...element.querySelectorAll('a')].map(item => [item.innerText, item.getAttribute('href')]),
        blocks: found('h1, h2, h3, h4, h5, h6, li, blockquote, hr, table, pre, del, em, [data-footnote-ref]'),
    }
}"""

DRAWN = "all => all.every(one => document.querySelector(one)?.innerText.trim())"

PIECES = ["`", "``` ", "a`", "\\", ":", ":a", "[", "![", "~~~\n", "```\n", "<", "&", "->", " -> ", "@a", "\u202e"]


def words(text: str) -> str:
    """What a person reads: runs of spaces are one, and what no one sees is not there."""
    return " ".join(visible(" ".join(text.split())).replace("\u200b", "").split())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser page that shows every text in every kind of element, and the addresses that it asked for."""
    script = "tests/support/markup_screen.py"
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", "{port}"]
    with web_process(tmp_path_factory.mktemp("markup"), command=command) as studio, chromium() as browser:
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(studio.url)
        page.get_by_text("The end").wait_for(timeout=240_000)
        # Each kind of element loads its script at first use; until then it is a frame without text.
        page.wait_for_function(DRAWN, arg=[f".st-key-{kind}_0" for kind in KINDS], timeout=240_000)
        page.wait_for_load_state("networkidle")
        yield page, asked


@pytest.mark.browser
@pytest.mark.parametrize("number", range(len(MARKUP)), ids=lambda number: ascii(MARKUP[number])[:30])
def test_outside_text_is_shown_as_it_is_written(number: int, drawn: Any) -> None:
    page, _ = drawn
    text = MARKUP[number]
    for kind in KINDS:
        found = page.locator(f".st-key-{kind}_{number}").evaluate(MADE)
        shown = found["text"].replace("\u200b", "")
        expected = words(text.replace("`", "'") if kind == "sentence" else text)
        if kind == "bold":
            expected = f"{expected or 'empty'} {expected}".strip()
        if kind == "metric":
            shown = shown.rpartition("1")[0]
        if kind in ("button", "checkbox", "metric", "error") and not expected:
            expected = "empty"
        assert words(shown) == expected, kind
        assert found["pictures"] == found["styles"] == found["links"] == found["blocks"] == [], kind


@pytest.mark.browser
@pytest.mark.parametrize("number", range(len(MARKUP)), ids=lambda number: ascii(MARKUP[number])[:30])
def test_an_answer_keeps_its_formatting_and_nothing_else(number: int, drawn: Any) -> None:
    page, _ = drawn
    found = page.locator(f".st-key-answer_{number}").evaluate(MADE)
    assert found["pictures"] == found["styles"] == []
    for label, address in found["links"]:  # an address is a link to what is written; a heading to itself
        written = unquote(address).removeprefix("mailto:").removeprefix("http://").lower()
        assert written.startswith("#") or written in label.lower()
    for entity in ("&amp;", "&lt;b&gt;", "&copy;", ":fire:", ":material/home:", "$x^2$", ":red[a color]"):
        if entity in MARKUP[number]:
            assert entity in found["text"].replace("\u200b", "")


@pytest.mark.browser
def test_an_answers_own_formatting_is_drawn(drawn: Any) -> None:
    page, _ = drawn
    kinds = {"- a list\n- of two": "li", "# a heading": "h1", "```\ncode\n```": "pre", "> a quote": "blockquote"}
    for text, tag in kinds.items():
        assert page.locator(f".st-key-answer_{MARKUP.index(text)} {tag}").count() > 0, text


@pytest.mark.browser
def test_the_labels_of_a_chart_are_shown_as_they_are_written(drawn: Any) -> None:
    page, _ = drawn
    page.locator(".st-key-charts .ytick").first.wait_for()
    made = """items => items.map(item => [item.textContent, item.querySelectorAll('a, [style*=url]').length,
                                          item.querySelectorAll('tspan').length])"""
    shown = page.locator(".st-key-charts .ytick text").evaluate_all(made)
    assert sorted(words(text) for text, _, _ in shown) == sorted({words(text) or "empty" for text in MARKUP})
    assert not [text for text, links, spans in shown if links or spans]


@pytest.mark.browser
def test_nothing_was_fetched_from_outside(drawn: Any) -> None:
    _, asked = drawn
    assert not [address for address in asked if "evil.example" in address]


@pytest.mark.browser
@pytest.mark.parametrize("number", range(len(CONFUSING)), ids=lambda number: ascii(CONFUSING[number])[:30])
def test_no_answer_makes_the_escaping_and_the_screen_disagree(number: int, drawn: Any) -> None:
    page, _ = drawn
    found = page.locator(f".st-key-confusing_{number}").evaluate(MADE)
    assert found["pictures"] == []
    assert [link for link in found["links"] if link[0] == "x"] == [], "a link that hides its address"


@pytest.mark.parametrize("function", [md, md_code, sentence, md_answer, visible])
@pytest.mark.parametrize("piece", PIECES)
def test_hostile_text_is_escaped_in_linear_time(function: Any, piece: str) -> None:
    text = piece * (300_000 // len(piece))  # what is quadratic takes minutes
    began = time.process_time()
    function(text)
    assert time.process_time() - began < 5
