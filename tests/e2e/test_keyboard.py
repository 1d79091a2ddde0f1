"""By the keyboard alone: a table becomes a dataset, which is renamed, archived, restored and deleted; chats become a
dataset; a job is set up, launched and stopped."""

from __future__ import annotations

import pytest

from pages.data._convert.draft import WIZARD
from pages.data._import_conversations.draft import WIZARD as CHATS
from pages.training._new_job.steps import WIZARD as JOB
from tests.e2e.harness import Studio, settle, visit

pytestmark = pytest.mark.browser

MENU = "[class*=st-key-rowmenu_] button"
FIELD = "[role=dialog] input"
EPOCHS = "[class*=st-key-t_][class*=_num_epochs]"


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


def test_chats_become_a_dataset_by_the_keyboard_alone(studio: Studio, open_page) -> None:
    page = open_page()
    keys = Keyboard(page)
    visit(page, f"{studio.url}/import_conversations")
    keys.to("[data-testid=stFileUploader] button")
    keys.press(".st-key-use_sample_chats button")
    for step in CHATS.steps[1:]:
        keys.at(step.title)
        if step.id == "review":  # a decision is saved, and the focus remains on its button
            keys.press(".st-key-drop_1 button")
            page.get_by_text("1 reviewed").first.wait_for()
            settle(page)
        if step.onward:
            keys.press(".st-key-onward button")
    keys.press(".st-key-import_now button")
    page.locator(".st-key-open_chat_import button").wait_for()
    settle(page)
    keys.press(".st-key-open_chat_import button")
    page.wait_for_url("**/datasets?id=*")
    keys.gets("[data-testid=stMain] h1")


def test_a_job_is_launched_by_the_keyboard_alone(ready_studio: Studio, open_page) -> None:
    page = open_page()
    keys = Keyboard(page)
    visit(page, f"{ready_studio.url}/new_job")
    keys.press("[class*=st-key-pick_ds_] button")
    page.wait_for_url("**/new_job?draft=*")
    settle(page)
    keys.gets("[class*=st-key-pick_ds_] button")  # the chosen card keeps the focus
    keys.press(".st-key-to_model button")
    keys.at(JOB.steps[1].title)

    keys.press(f"{EPOCHS}[class*=_auto]", "Space")
    number = page.locator(f"{EPOCHS} input[type=number]")
    number.wait_for()
    settle(page)
    keys.to(f"{EPOCHS} input[type=number]")
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    page.get_by_text("tokens in 2 epochs").wait_for()
    settle(page)
    keys.press(".st-key-to_review button")
    keys.at(JOB.steps[2].title)
    keys.press(".st-key-launch button")
    page.wait_for_url("**/job?id=*")
    keys.gets("[data-testid=stMain] h1")
    settle(page)

    keys.press("[class*=st-key-job_ask] button")
    keys.press(".st-key-job_cancel button")
    page.get_by_test_id("stMain").get_by_text("Cancelled").first.wait_for()
