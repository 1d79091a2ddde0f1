"""The first journey: a table becomes a dataset, in a real Chromium with real workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages.data._convert.draft import WIZARD
from tests.e2e.harness import Studio, beyond_edge, settle, visit

pytestmark = pytest.mark.browser

TITLES = {step.id: step.title for step in WIZARD.steps}
TICKETS = "subject,body,team\n" + "\n".join(
    f'Ticket {n},"My card was charged {n} times,\nplease look",{("billing", "access", "shipping")[n % 3]}'
    for n in range(1, 61)
)


def next_step(page, title: str) -> None:
    """Press the button to the next step and wait for its title."""
    page.locator(".st-key-onward button:enabled").click()
    page.get_by_role("heading", name=title, exact=True).wait_for()
    settle(page)


def choose(page, label: str, option: str) -> None:
    """Pick an option of a select box by its label."""
    page.get_by_test_id("stSelectbox").filter(has_text=label).locator("input").click()
    page.get_by_role("option").filter(has_text=option).click()
    settle(page)


def browse(page, moves: list[tuple[str, str]]) -> None:
    """Press the browser's Back and Forward; each leads to the step with that title."""
    for move, step in moves:
        getattr(page, move)()
        page.get_by_role("heading", name=TITLES[step], exact=True).wait_for()
        settle(page)


def watch_twice(page, selector: str):
    """Start counting; the result returns the largest number of matches at any one time."""
    page.evaluate(
        """selector => {
            const count = () => document.querySelectorAll(selector).length
            window.atOnce = count()
            new MutationObserver(() => { window.atOnce = Math.max(window.atOnce, count()) })
                .observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ['class']})
        }""",
        selector,
    )
    return lambda: page.evaluate("window.atOnce")


def test_a_csv_becomes_a_dataset(studio: Studio, open_page, tmp_path: Path) -> None:
    table = tmp_path / "support_tickets.csv"
    table.write_text(TICKETS, newline="")
    page = open_page()
    visit(page, f"{studio.url}/convert")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(table)
    page.get_by_role("heading", name=TITLES["analyze"], exact=True).wait_for()
    settle(page)
    page.get_by_text("60 rows").first.wait_for()
    next_step(page, TITLES["mode"])
    next_step(page, TITLES["configure"])
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
        other.get_by_role("heading", name=TITLES["configure"]).wait_for()
        assert beyond_edge(other) == []

    next_step(page, TITLES["preview"])
    page.get_by_text("My card was charged 1 times").first.wait_for()
    browse(
        page, [("go_back", "configure"), ("go_back", "mode"), ("go_forward", "configure"), ("go_forward", "preview")]
    )
    next_step(page, TITLES["convert"])
    name = page.get_by_label("Name", exact=True)
    name.fill("Support tickets")
    name.press("Tab")
    settle(page)
    page.locator(".st-key-convert_now button").click()
    page.get_by_text("60 pairs").wait_for()
    settle(page)
    page.go_back()  # the conversion took the place of all steps: one Back leaves it
    page.wait_for_url("**/convert")
    page.get_by_role("heading", name=TITLES["upload"], exact=True).wait_for()
    settle(page)
    page.go_forward()
    page.get_by_text("60 pairs").wait_for()
    settle(page)
    page.locator(".st-key-open_conversion button").click()
    page.get_by_role("heading", name="Support tickets").wait_for()
    settle(page)
    page.get_by_text("✓ Supervised").first.wait_for()
    page.get_by_text("My card was charged 1 times").first.wait_for()
    browse(page, [("go_back", "convert")])
    page.go_forward()
    page.get_by_role("heading", name="Support tickets").wait_for()
    settle(page)

    with page.expect_download() as download:
        page.locator(".st-key-download button:visible").first.click()
        page.locator(".st-key-export_now a").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 60


def test_a_dirty_csv_is_repaired_to_a_validated_dataset(studio: Studio, open_page) -> None:
    """A real export: lines above the header, an old encoding, broken rows, a copy, an email address."""
    page = open_page()
    visit(page, f"{studio.url}/convert")
    page.locator(".st-key-use_helpdesk_export button").click()
    page.get_by_role("heading", name=TITLES["analyze"], exact=True).wait_for()
    settle(page)
    page.get_by_text("2 rows could not be read").wait_for()
    page.get_by_text("customer says", exact=True).first.wait_for()

    # Other reading options show a preview first: nothing changes until they are applied.
    page.locator("[class*='st-key-reading_'] summary").first.click()
    page.locator(".st-key-read_this_way button").wait_for()
    settle(page)
    choose(page, "Encoding", "Western European (Mac)")
    page.locator(".st-key-read_this_way button:enabled").wait_for()
    settle(page)
    page.locator(".st-key-read_as_detected button").click()
    page.locator(".st-key-read_this_way button:disabled").wait_for()
    settle(page)

    # One broken row is fixed where it is listed, the other one is removed.
    fixed = '1026;2026-02-04;product;"Do you sell bamboo canes; the two metre ones?";"Yes, in bundles of ten."'
    for label, text in (("Line 12", fixed), ("Line 19", "")):
        field = page.get_by_label(label, exact=True)
        field.fill(text)
        field.press("Tab")
        settle(page)
    page.get_by_text("2 rows changed").wait_for()
    page.locator(".st-key-read_repaired button:enabled").click()
    page.get_by_text("(repaired).csv").first.wait_for()
    page.get_by_text("28 rows").first.wait_for()
    settle(page)
    assert page.get_by_text("could not be read").count() == 0
    assert beyond_edge(page) == []

    next_step(page, TITLES["mode"])
    next_step(page, TITLES["configure"])
    browser = page.context.new_cdp_session(page)
    browser.send("Emulation.setCPUThrottlingRate", {"rate": 12})  # a slow machine makes a redraw visible
    seen = watch_twice(page, ".st-key-on_qa")
    page.locator(".st-key-pick_qa button").click()
    page.locator(".st-key-on_qa").first.wait_for()
    settle(page)
    browser.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    assert seen() == 1  # the choice is redrawn in place
    choose(page, "Key column", "customer says")
    choose(page, "Target column", "agent answer")
    page.get_by_text("Where is my parcel?").first.wait_for()

    # An error is shown at its field and blocks the next step until it is fixed.
    system = page.get_by_label("System message", exact=True)
    system.fill("You are the help desk for {{shop}}.")
    system.press("Tab")
    page.get_by_text("'shop'").first.wait_for()
    page.locator(".st-key-onward button:disabled").wait_for()
    system.fill("You are the help desk of a garden shop.")
    system.press("Tab")
    page.get_by_text("You are the help desk of a garden shop.").nth(1).wait_for()
    settle(page)
    next_step(page, TITLES["preview"])
    page.locator("body").press("Control+Enter")
    page.get_by_role("heading", name=TITLES["convert"], exact=True).wait_for()
    settle(page)
    name = page.get_by_label("Name", exact=True)
    name.fill("Help desk, repaired")
    name.press("Tab")
    settle(page)
    page.locator(".st-key-convert_now button:enabled").click()
    page.get_by_text("27 accepted + 1 left out").wait_for()
    page.locator(".st-key-open_conversion button").click()
    page.get_by_role("heading", name="Help desk, repaired").wait_for()
    page.get_by_test_id("stMain").get_by_text("Validated").first.wait_for()
    settle(page)

    # The copy is dropped with one click, and the dataset is still validated.
    page.get_by_role("tab", name="Quality").click()
    page.locator("[class*=st-key-fix_][class*=_drop_copies] button:visible").first.click()
    page.get_by_text("26 pairs").first.wait_for()
    page.get_by_test_id("stMain").get_by_text("Validated").first.wait_for()


def test_the_end_is_announced_on_another_screen_and_a_dataset_is_deleted_by_its_name(
    studio: Studio, open_page, tmp_path: Path
) -> None:
    table = tmp_path / "short-lived.jsonl"
    table.write_text("\n".join(f'{{"question": "Q{n}?", "answer": "A{n}"}}' for n in range(12)))
    page = open_page()
    visit(page, f"{studio.url}/upload")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(table)
    page.locator(".st-key-create_dataset button:enabled").first.wait_for()
    settle(page)
    page.locator(".st-key-create_dataset button:enabled").first.click()
    page.get_by_role("heading", name="Creating the dataset").wait_for()

    # The toast appears on another screen.
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Settings").click()
    page.get_by_role("heading", name="Settings").wait_for()
    page.get_by_test_id("stToast").filter(has_text="short-lived").wait_for()

    page.get_by_test_id("stSidebarNavLink").filter(has_text="Datasets").click()
    card = page.locator("[class*='st-key-item_']").filter(has_text="short-lived").last
    card.get_by_role("button", name="short-lived").first.click()
    page.get_by_role("heading", name="short-lived").wait_for()
    settle(page)
    page.locator("[class*='st-key-rowmenu_'] button").first.click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_text("Nothing depends on it.").wait_for()
    field = page.get_by_label("Type its name to delete it")
    field.fill("short-lived")
    field.press("Tab")
    page.locator(".st-key-confirm_delete button:enabled").click()
    page.get_by_role("heading", name="Supervised Training Datasets").wait_for()
    settle(page)
    assert page.get_by_test_id("stMain").get_by_text("short-lived").count() == 0
