"""The first journey: a table becomes a dataset, in a real Chromium, with real workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.harness import Studio, beyond_edge, settle, visit

pytestmark = pytest.mark.browser

TICKETS = "subject,body,team\n" + "\n".join(
    f'Ticket {n},"My card was charged {n} times,\nplease look",{("billing", "access", "shipping")[n % 3]}'
    for n in range(1, 61)
)


def next_step(page, title: str) -> None:
    """Press the one primary button and wait for the next step's title."""
    page.locator(".st-key-onward button:enabled").click()
    page.get_by_role("heading", name=title, exact=True).wait_for()
    settle(page)


def choose(page, label: str, option: str) -> None:
    """Pick an option of a select box by its words."""
    page.get_by_test_id("stSelectbox").filter(has_text=label).locator("input").click()
    page.get_by_role("option").filter(has_text=option).click()
    settle(page)


def test_a_csv_becomes_a_dataset(studio: Studio, open_page, tmp_path: Path) -> None:
    table = tmp_path / "support_tickets.csv"
    table.write_text(TICKETS, newline="")
    page = open_page()
    visit(page, f"{studio.url}/convert")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(table)
    page.get_by_role("heading", name="What is in the file", exact=True).wait_for()
    settle(page)
    page.get_by_text("60 rows").first.wait_for()
    next_step(page, "How examples are made")
    next_step(page, "Match your columns")
    page.locator(".st-key-pick_classification button").click()
    page.locator(".st-key-on_classification").wait_for()
    settle(page)
    choose(page, "Target column", "team")
    choose(page, "Key column", "body")
    page.get_by_text("My card was charged 1 times").first.wait_for()

    # The address is the wizard: a refresh and another browser show the same step and choices.
    address = page.url
    assert "draft=" in address
    for other in (page, open_page(width=420, scheme="dark")):
        visit(other, address)
        other.locator(".st-key-on_classification").wait_for()
        other.get_by_role("heading", name="Match your columns").wait_for()
        assert beyond_edge(other) == []

    next_step(page, "Look before you convert")
    page.get_by_text("My card was charged 1 times").first.wait_for()
    next_step(page, "Convert & Create Dataset")
    name = page.get_by_label("Name", exact=True)
    name.fill("Support tickets")
    name.press("Tab")
    settle(page)
    page.locator(".st-key-convert_now button").click()
    page.get_by_text("60 pairs").wait_for()
    page.locator(".st-key-open_conversion button").click()
    page.get_by_role("heading", name="Support tickets").wait_for()
    settle(page)
    page.get_by_text("✓ Supervised").first.wait_for()
    page.get_by_text("My card was charged 1 times").first.wait_for()

    with page.expect_download() as download:
        page.locator(".st-key-download button").first.click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 60


def test_the_end_is_announced_elsewhere_and_a_dataset_is_deleted_by_its_name(
    studio: Studio, open_page, tmp_path: Path
) -> None:
    table = tmp_path / "short-lived.jsonl"
    table.write_text("\n".join(f'{{"question": "Q{n}?", "answer": "A{n}"}}' for n in range(12)))
    page = open_page()
    visit(page, f"{studio.url}/upload")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(table)
    page.locator(".st-key-create_dataset button").click()
    page.get_by_role("heading", name="Making the dataset").wait_for()

    # The news finds the person wherever they are.
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Settings").click()
    page.get_by_role("heading", name="Settings").wait_for()
    page.get_by_test_id("stToast").filter(has_text="short-lived").wait_for()

    page.get_by_test_id("stSidebarNavLink").filter(has_text="Datasets").click()
    card = page.locator("[class*='st-key-ds_']").filter(has_text="short-lived").last
    card.get_by_role("button", name="Open").click()
    page.get_by_role("heading", name="short-lived").wait_for()
    settle(page)
    page.locator(".st-key-delete button").first.click()
    page.get_by_text("Nothing depends on it.").wait_for()
    field = page.get_by_label("Type the dataset's name to delete it")
    field.fill("short-lived")
    field.press("Tab")
    page.locator(".st-key-confirm_delete button:enabled").click()
    page.get_by_role("heading", name="Supervised Training Datasets").wait_for()
    settle(page)
    assert page.get_by_test_id("stMain").get_by_text("short-lived").count() == 0
