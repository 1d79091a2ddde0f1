"""Smart mode in a real Chromium: a connection, the model's suggestion, three rows first, then the full run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from core.platform.tasks.context import SIGNAL_EVERY_S
from pages.data._convert.draft import SMART_HEADS
from tests.e2e.harness import Studio, beyond_edge, settle, visit
from tests.e2e.test_csv_to_dataset import TITLES, next_step
from tests.support.writing_server import KEY, MODEL, Writing, writing_server

pytestmark = pytest.mark.browser


@pytest.fixture
def server() -> Iterator[Writing]:
    with writing_server() as running:
        yield running


def press(page, key: str) -> None:
    """Press the button with this key (one with a tooltip exists twice) and wait for the page."""
    page.locator(f".st-key-{key} button:visible:enabled").first.click()
    settle(page)


def fill(page, label: str, text: str) -> None:
    """Type into the field with this label and leave it."""
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")
    settle(page)


def test_a_model_writes_a_dataset(studio: Studio, open_page, server: Writing) -> None:
    page = open_page()
    visit(page, f"{studio.url}/convert")
    press(page, "use_tools")
    page.get_by_role("heading", name=TITLES["analyze"], exact=True).wait_for()
    settle(page)
    next_step(page, TITLES["mode"])
    press(page, "pick_smart")
    page.locator(".st-key-on_smart").wait_for()
    next_step(page, SMART_HEADS["configure"][0])

    # The connection is added where it is needed: tested, saved, then selected.
    press(page, "pick_add_connection")
    form = page.locator(".st-key-connection_form")
    form.get_by_text("OpenAI-compatible", exact=True).first.click()
    page.get_by_label("API key", exact=True).wait_for()
    settle(page)
    fill(page, "Name", "Writer of the test")
    fill(page, "Address", server.url)
    key = page.get_by_label("API key", exact=True)
    key.fill(KEY)
    key.press("Enter")  # Tab moves to the eye icon inside the field
    settle(page)
    press(page, "test_connection")
    form.get_by_text(MODEL).wait_for()
    press(page, "save_connection")
    page.get_by_text("stay on your machines").wait_for()
    page.get_by_text("…cdef").wait_for()  # it is selected at once
    settle(page)
    assert KEY not in page.content()

    # The model proposes the wording, the user edits it.
    press(page, "propose")
    page.get_by_text("Suggested by").wait_for()
    settle(page)
    fill(page, "Question patterns, one per line", "What is {{product}}?\nWhat does {{product}} cost?")
    page.locator(".st-key-estimate").wait_for()
    for other in (page, open_page(width=420, scheme="dark")):
        if other is not page:
            visit(other, page.url)
            other.locator(".st-key-estimate").wait_for()
            settle(other)
        assert beyond_edge(other) == []
    next_step(page, SMART_HEADS["preview"][0])
    press(page, "write_preview")
    page.locator("[class*='st-key-row_preview_']").first.wait_for()
    assert server.asked == 3
    next_step(page, TITLES["convert"])
    fill(page, "Name", "Written by a model")

    # Paused and resumed: no row is sent twice.
    server.refuse = "Otter"
    server.let_go.clear()
    page.locator(".st-key-convert_now button:enabled").click()
    page.locator(".st-key-smart_pause button:visible").first.click()
    page.locator(".st-key-smart_pause button:disabled").first.wait_for()  # held replies, until the pause is requested
    page.wait_for_timeout(
        3 * SIGNAL_EVERY_S * 1_000
    )  # and until the worker has read it: all rows would be answered before
    server.let_go.set()
    page.locator(".st-key-smart_resume button:visible").first.wait_for()
    asked = server.asked
    assert asked < 3 + 24
    page.reload()
    page.locator(".st-key-smart_resume button:visible").first.wait_for()
    settle(page)
    page.locator(".st-key-smart_resume button:visible").first.click()
    page.get_by_text("Labeled Examples:").wait_for()
    page.get_by_text("24 of 24", exact=True).first.wait_for()
    settle(page)
    # One row was sent three times and refused; every other row was sent once.
    assert server.asked == 3 + 23 + 3

    # Rows are listed by state.
    page.get_by_test_id("stButtonGroup").get_by_text("Failed 1").click()
    page.get_by_text("answers could not be used").first.wait_for()

    # Only the failed row is retried; a refresh during the retry loses nothing.
    server.refuse = ""
    server.let_go.clear()
    settle(page)
    page.locator(".st-key-ask_again button:visible").first.dblclick()
    page.get_by_role("heading", name="Retry of failed rows").wait_for()
    page.reload()
    page.get_by_role("heading", name="Retry of failed rows").wait_for()
    server.let_go.set()
    page.get_by_text("1 labeled example added as version 2").wait_for()
    settle(page)
    assert server.asked == 3 + 23 + 3 + 1
    page.get_by_test_id("stButtonGroup").get_by_text(re.compile(r"(Ready|Needs a look) 24")).first.click()
    page.get_by_text("What is Heron Hand Trowel?").first.wait_for()
    settle(page)
    assert beyond_edge(page) == []
    page.locator(".st-key-open_conversion button").click()
    page.get_by_role("heading", name="Written by a model").wait_for()
    page.get_by_text("24 pairs").first.wait_for()
