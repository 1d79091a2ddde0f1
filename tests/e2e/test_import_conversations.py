"""A journey: a ChatGPT export becomes a dataset. The review survives a refresh, and each message is counted."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from core.services.data.chat_import import REASONS
from pages.data._import_conversations.draft import WIZARD
from tests.e2e.harness import Studio, beyond_edge, settle, visit

pytestmark = pytest.mark.browser

TITLES = {step.id: step.title for step in WIZARD.steps}
HOSTILE = "<img src=x onerror=\"document.title='taken'\"> [click](javascript:alert(1)) \u202egnp.exe שלום"


def export(folder: Path, count: int = 14) -> Path:
    """A small export: personal data, two versions of an answer, a message without an answer, hostile text."""
    talks = []
    for number in range(count):
        question = f"How do I reset router {number}? Write to owner{number}@example.com"
        messages = [
            ("s", None, "system", "", 0),
            ("q", "s", "user", HOSTILE if number == 1 else question, 10),
            ("a1", "q", "assistant", "Switch it off.", 20),
            ("a2", "q", "assistant", f"Hold the button for {number + 5} seconds.", 30),
            ("t", "a2", "user", "Thank you", 40),
        ]
        mapping = {
            key: {
                "id": key,
                "parent": parent,
                "message": {
                    "author": {"role": role},
                    "create_time": 1_760_000_000 + 86_400 * number + after,
                    "content": {"content_type": "text", "parts": [text]},
                },
            }
            for key, parent, role, text, after in messages
        }
        talks.append({"id": f"talk-{number}", "title": f"Router {number}", "mapping": mapping, "current_node": "t"})
    path = folder / "chatgpt-export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps(talks))
        archive.writestr("user.json", "{}")
    return path


def next_step(page, title: str) -> None:
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 100_000)")
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop > 0")
    page.locator(".st-key-onward button:enabled").click()
    page.get_by_role("heading", name=title, exact=True).wait_for()
    settle(page)
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 0")  # at its top


def test_an_export_becomes_a_dataset(studio: Studio, open_page, tmp_path: Path) -> None:
    page = open_page(height=600)
    visit(page, studio.url)
    page.locator(".st-key-go_import_conversations button").click()
    page.get_by_role("heading", name=TITLES["upload"], exact=True).wait_for()
    settle(page)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(export(tmp_path))
    page.get_by_role("heading", name=TITLES["roles"], exact=True).first.wait_for()
    page.get_by_text("42 in conversations + 28 left out").wait_for()
    page.get_by_text("Another version").first.wait_for()

    next_step(page, TITLES["filters"])
    page.get_by_text("28 used + 42 left out").wait_for()
    page.get_by_text(REASONS["unanswered"].title).first.wait_for()

    next_step(page, TITLES["review"])
    page.get_by_text("Write to [EMAIL]").first.wait_for()
    page.get_by_text("<img src=x").first.wait_for()
    page.get_by_text("⟨U+202E⟩gnp.exe").first.wait_for()
    assert page.title() != "taken"
    assert page.get_by_text("owner0@example.com").count() == 0
    page.locator(".st-key-drop_1 button").click()
    page.get_by_text("1 reviewed · 0 edited · 1 dropped").wait_for()
    settle(page)
    page.locator(".st-key-edit_2 button").click()
    answer = page.get_by_role("dialog").locator("textarea").nth(1)
    answer.fill("Hold the button until the light turns green.")
    answer.press("Tab")
    settle(page)
    page.locator(".st-key-save_edit button").click()
    page.get_by_text("2 reviewed · 1 edited · 1 dropped").wait_for()

    # The address is the import: a refresh and another browser show the same decisions.
    address = page.url
    assert "draft=" in address
    for other in (page, open_page(width=420, scheme="dark")):
        visit(other, address)
        other.get_by_text("2 reviewed · 1 edited · 1 dropped").wait_for()
        other.get_by_text("Hold the button until the light turns green.").first.wait_for()
        assert beyond_edge(other) == []

    next_step(page, TITLES["import"])
    name = page.get_by_label("Name", exact=True)
    name.fill("Router chats")
    name.press("Tab")
    settle(page)
    page.locator(".st-key-import_now button:enabled").click()
    page.get_by_text("13 pairs").wait_for()
    page.get_by_text("70 messages read").wait_for()
    with page.expect_download() as download:
        page.locator(".st-key-download_left_out button, .st-key-download_left_out a").first.click()
    left = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert sum(item["messages"] for item in left) == 44
    assert {item["reason"] for item in left} == {"hidden", "other_branch", "unanswered", "dropped"}

    page.locator(".st-key-open_chat_import button").click()
    page.get_by_role("heading", name="Router chats").wait_for()
    settle(page)
    page.get_by_text("Hold the button until the light turns green.").first.wait_for()
    page.get_by_text("✓ Supervised").first.wait_for()
