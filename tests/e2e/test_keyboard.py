"""A table becomes a dataset, which is renamed, archived, restored and deleted, by the keyboard alone."""

from __future__ import annotations

import pytest

from pages.data._convert.draft import WIZARD
from tests.e2e.harness import Studio, settle, visit

pytestmark = pytest.mark.browser

MENU = "[class*=st-key-rowmenu_] button"
FIELD = "[role=dialog] input"


class Keyboard:
    """The keys of a page; `to` presses Tab until the control has the focus."""

    def __init__(self, page) -> None:
        self.page = page

    def has(self, selector: str) -> bool:
        return self.page.evaluate("selector => !!document.activeElement?.closest(selector)", selector)

    def to(self, selector: str) -> None:
        for _ in range(80):
            if self.has(selector):
                assert self.page.evaluate("document.activeElement.matches(':focus-visible')")
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {selector}")

    def gets(self, selector: str) -> None:
        """Wait until the focus is there without a key."""
        self.page.wait_for_function("selector => !!document.activeElement?.closest(selector)", arg=selector)

    def press(self, selector: str, key: str = "Enter") -> None:
        self.to(selector)
        self.page.keyboard.press(key)

    def at(self, title: str) -> None:
        """Wait for a screen or a step, which begins at its title."""
        self.page.get_by_role("heading", name=title).first.wait_for()
        self.gets("[data-testid=stMain] h1")
        settle(self.page)

    def choose(self, word: str) -> None:
        """Open the menu of the first row or of the screen, and choose an entry."""
        self.press(MENU)
        self.gets("[role=menuitem]")
        for _ in range(3):
            if word in self.page.evaluate("document.activeElement.textContent"):
                break
            self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Enter")


def test_a_dataset_by_the_keyboard_alone(studio: Studio, open_page) -> None:
    page = open_page()
    keys = Keyboard(page)
    visit(page, f"{studio.url}/convert")
    keys.press("[class*=st-key-use_] button")
    for step in WIZARD.steps[1:]:
        keys.at(step.title)
        if step.onward:
            keys.press(".st-key-onward button")
    keys.press(".st-key-convert_now button")
    page.locator("[class*=st-key-open_conversion] button").wait_for()
    settle(page)
    keys.press("[class*=st-key-open_conversion] button")
    page.wait_for_url("**/datasets?id=*")
    keys.gets("[data-testid=stMain] h1")
    settle(page)

    # Escape leaves a dialog, and returns the focus to the menu that opened it.
    keys.choose("Rename")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    keys.gets(MENU)
    keys.choose("Rename")
    keys.to(FIELD)
    page.keyboard.press("Control+a")
    page.keyboard.type("By keyboard")
    keys.press("[role=dialog] .st-key-rename button")
    page.get_by_role("heading", name="By keyboard").wait_for()
    keys.gets(MENU)

    for word, address in (("Archive", "datasets"), ("Restore", "datasets?archived=yes")):
        visit(page, f"{studio.url}/{address}")
        page.get_by_text("By keyboard").first.wait_for()
        keys.choose(word)
        page.get_by_text("By keyboard", exact=True).wait_for(state="detached")
    visit(page, f"{studio.url}/datasets")
    keys.choose("Delete")
    keys.to(FIELD)
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    page.locator("[role=dialog] .st-key-confirm_delete button:enabled").wait_for()
    keys.press("[role=dialog] .st-key-confirm_delete button")
    page.get_by_role("dialog").wait_for(state="detached")
    settle(page)
    keys.gets("[data-testid=stMain]")
    assert page.get_by_text("By keyboard", exact=True).count() == 0
