"""The third journey: two files become one mix, its issues are fixed, and some examples are held out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.harness import Studio, beyond_edge, settle, visit

pytestmark = pytest.mark.browser


def pairs(path: Path, rows: list[tuple[str, str]]) -> Path:
    lines = [
        json.dumps({"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]})
        for asked, answer in rows
    ]
    path.write_text("\n".join(lines))
    return path


def upload(page, studio: Studio, path: Path) -> None:
    """Upload a file in the chat format as a dataset with the same name."""
    visit(page, f"{studio.url}/upload")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(path)
    page.locator(".st-key-create_dataset button:enabled").first.wait_for()
    settle(page)  # a click during a redraw can hit a button that is being replaced
    page.locator(".st-key-create_dataset button:enabled").first.click()
    page.get_by_role("button", name="Open dataset").first.click()
    page.get_by_role("heading", name=path.stem).wait_for()
    settle(page)


def add_part(page, name: str) -> None:
    """Add a dataset to the mix."""
    field = page.locator(".st-key-datasets input")
    field.fill(name)
    page.get_by_role("option").filter(has_text=name).first.click()
    page.locator("[class*='st-key-part_']").filter(has_text=name).wait_for()
    settle(page)


def test_mix_then_clean_then_split(studio: Studio, open_page, tmp_path: Path) -> None:
    page = open_page()
    teams = ("billing", "access", "shipping")
    asked = [(f"Ticket {n}: the order {n * 37} of customer {n * 91} needs a look", teams[n % 3]) for n in range(40)]
    upload(page, studio, pairs(tmp_path / "mixable tickets.jsonl", asked))
    shops = [(f"When does shop {n} in street {n * 13} open?", f"At {7 + n % 4}.") for n in range(20)]
    copies = shops[:3]
    leak = [("Write to anna.schmidt@example.org about shop nine", "Done.")]
    upload(page, studio, pairs(tmp_path / "mixable shops.jsonl", shops + copies + leak))

    # Mix: the counts are shown before anything is created.
    visit(page, f"{studio.url}/datasets")
    page.locator(".st-key-to_mix button").first.click()
    page.locator(".st-key-datasets").wait_for()
    settle(page)
    add_part(page, "mixable tickets")
    add_part(page, "mixable shops")
    page.get_by_text("64 labeled examples", exact=True).wait_for()
    assert "datasets=" in page.url, "the address keeps the choice"
    name = page.get_by_label("Name", exact=True)
    name.fill("Tickets and shops")
    name.press("Tab")
    settle(page)
    page.locator(".st-key-mix_now button").first.click()
    page.get_by_role("heading", name="Tickets and shops").wait_for()
    page.get_by_text("64 pairs").first.wait_for()
    settle(page)

    # The worklist: one click drops the copies, and Undo restores them.
    page.get_by_role("tab", name="Quality").click()
    page.get_by_role("heading", name="Worklist").wait_for()
    settle(page)
    page.locator(".st-key-fix_duplicate_examples_drop_copies button").first.click()
    news = page.locator(".st-key-news_of_change")
    news.get_by_text("Version 2").wait_for()
    settle(page)  # a click during a redraw can hit a button that is being replaced
    page.get_by_text("61 pairs").first.wait_for()
    page.locator(".st-key-before_after").wait_for()
    news.get_by_role("button", name="Undo").first.click()
    news.get_by_text("Version 3").wait_for()
    settle(page)
    page.get_by_text("64 pairs").first.wait_for()
    news.get_by_role("button", name="Redo").first.click()
    news.get_by_text("Version 4").wait_for()
    settle(page)
    page.get_by_text("61 pairs").first.wait_for()
    settle(page)

    # An issue opens its examples in place, with the affected text marked.
    page.locator(".st-key-rows_personal_data button").first.click()
    page.locator("mark").filter(has_text="anna.schmidt@example.org").wait_for()
    page.locator(".st-key-fix_personal_data_redact button").first.click()
    news.get_by_text("Version 5").wait_for()
    settle(page)

    # A stratified split: the chart previews both parts, the new version contains them.
    page.get_by_role("tab", name="Examples").click()
    page.locator(".st-key-op_split").wait_for()
    settle(page)
    page.locator(".st-key-op_split button").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Stratified", exact=True).click()
    dialog.get_by_text("would have 61 examples").wait_for()
    dialog.locator(".st-key-split_picture .js-plotly-plot").first.wait_for()
    why = dialog.get_by_label("Why (optional)")
    why.fill("To measure what it learns")
    why.press("Tab")
    settle(page)
    dialog.locator(".st-key-apply_split button:enabled").first.click()
    news.get_by_text("Version 6").wait_for()
    settle(page)
    settle(page)

    # One example, message by message.
    page.locator(".st-key-edit_0 button").first.click()
    dialog.locator("textarea").nth(1).fill("logistics")
    dialog.locator("textarea").nth(1).press("Tab")
    settle(page)
    dialog.locator(".st-key-save_edit button").first.click()
    news.get_by_text("Version 7").wait_for()
    settle(page)

    # The history shows what changed and why; the difference marks the changed word.
    page.get_by_role("tab", name="Versions").click()
    page.get_by_text("To measure what it learns").wait_for()
    page.locator(".diff-new mark").filter(has_text="logistics").wait_for()
    settle(page)
    with page.expect_download() as download:
        page.locator("[class*='st-key-export_']").first.get_by_role("button").first.click()
        dialog.get_by_text("JSON Lines").or_(dialog.get_by_text("JSONL")).first.wait_for()
        dialog.locator(".st-key-export_now a").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 61

    address = page.url
    narrow = open_page(width=420, scheme="dark")
    for view in ("Examples", "Quality", "Versions", "Provenance"):
        visit(narrow, f"{address.split('&view')[0]}&view={view}")
        narrow.get_by_role("tab", name=view, selected=True).wait_for()
        settle(narrow)
        assert beyond_edge(narrow) == [], view
