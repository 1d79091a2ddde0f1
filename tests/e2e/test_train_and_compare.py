"""From a dataset to a model that answers: the wizard, the live job, Compare, in a real Chromium with real workers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.data.samples import load_sample
from core.services.data import datasets
from core.services.training import jobs
from pages.training._job.facts import CHOSEN
from tests.e2e.harness import Studio, beyond_edge, settle, visit

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("SFT_TEST_PICTURES")  # read now: the variable is removed from the environment of each test
EPOCHS = 12  # enough to watch, pause and resume
STEPS_PER_EPOCH = 14  # 56 examples in the starter's batches of 4
TRAIN_MS = 1_200_000
ANSWER_MS = 300_000  # the first answer waits for torch to load


@contextmanager
def inside(studio: Studio) -> Iterator[None]:
    """Use the services on the running studio's own data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFT_DATA_DIR", str(studio.data_dir))
        yield


@pytest.fixture(scope="module")
def prepared(ready_studio: Studio) -> Studio:
    """The studio with a built starter and a dataset."""
    with inside(ready_studio):
        sample = load_sample()
        datasets.create_dataset("Garden shop", sample.train, sample.validation, origin="sample")
    return ready_studio


def press(page, key: str) -> None:
    """Press the button with this key (one with a tooltip exists twice) and wait for the page."""
    page.locator(f".st-key-{key} button:enabled").first.click()
    settle(page)


def shoot(page, name: str) -> None:
    """Save a screenshot if SFT_TEST_PICTURES names a folder."""
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


def test_a_dataset_becomes_a_model(prepared: Studio, open_page) -> None:
    page = open_page()
    visit(page, f"{prepared.url}/new_job")
    page.locator("[class*=st-key-pick_ds_] button").first.click()
    page.get_by_text("Your model will learn from 56").wait_for()
    press(page, "to_model")
    page.get_by_role("heading", name="Configure Model").wait_for()
    page.get_by_text("100% of weights").wait_for()

    page.locator("[class*=st-key-t_][class*=_num_epochs_auto] label").click()
    epochs = page.get_by_label("Epochs", exact=False).and_(page.locator("input[type=number]"))
    epochs.fill(str(EPOCHS))
    epochs.press("Enter")
    page.get_by_text(f"{EPOCHS * STEPS_PER_EPOCH}", exact=True).wait_for()  # the forecast is updated: steps of the run
    assert beyond_edge(page) == []
    shoot(page, "new_job")
    press(page, "to_review")
    page.get_by_role("heading", name="Review & Launch").wait_for()
    page.get_by_text(CHOSEN).first.wait_for()
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 0")  # at its top

    # A second browser on the same draft launches at the same time: one job.
    other = open_page(width=420, scheme="dark")
    visit(other, page.url)
    other.locator(".st-key-launch button").wait_for()
    assert beyond_edge(other) == []
    page.locator(".st-key-launch button").click(no_wait_after=True)
    other.locator(".st-key-launch button").click(no_wait_after=True)
    for launched in (page, other):
        launched.wait_for_url("**/job?id=*")
    with inside(prepared):
        (job,) = [job for job in jobs.list_jobs() if job.dataset_name == "Garden shop"]
    assert job.id in page.url
    assert job.id in other.url

    # The job took the place of all steps of the wizard: one Back leaves it, and Forward leads to the job again.
    page.go_back()
    page.wait_for_url("**/new_job")
    page.get_by_role("heading", name="Select Dataset").wait_for()  # Forward before that would be lost
    settle(page)
    page.go_forward()
    page.wait_for_url(f"**/job?id={job.id}")

    # Live: the curve grows without a click, then the job is paused and resumed.
    page.get_by_text("step ", exact=False).first.wait_for(timeout=TRAIN_MS)
    page.locator(".st-key-loss_card .js-plotly-plot").first.wait_for(timeout=TRAIN_MS)
    shoot(page, "job_live")
    page.locator(".st-key-job_pause button").first.click()
    page.get_by_test_id("stMain").get_by_text("Paused").first.wait_for(timeout=TRAIN_MS)
    page.locator(".st-key-job_resume button").first.click()
    page.get_by_test_id("stMain").get_by_text("Succeeded").first.wait_for(timeout=TRAIN_MS)
    other.get_by_test_id("stMain").get_by_text("Succeeded").first.wait_for(timeout=TRAIN_MS)
    page.locator(".st-key-measured").wait_for()
    settle(page)
    assert beyond_edge(page) == []
    assert beyond_edge(other) == []
    shoot(page, "job_done")

    press(page, "to_model")
    page.locator("[class*=st-key-download_fm_] button:visible").first.click()
    with page.expect_download() as download:
        page.locator("[role=dialog] [class*=st-key-download_fm_] :is(button, a):visible").first.click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"


def test_base_and_tuned_answer_the_same_input_side_by_side(prepared: Studio, open_page) -> None:
    page = open_page()
    visit(page, f"{prepared.url}/compare")
    page.locator(".st-key-ask_all button:enabled").wait_for()
    settle(page)
    press(page, "ask_all")  # the first example
    for card in ("off_answer_0", "on_answer_1"):
        page.locator(f".st-key-{card}").get_by_text(" tokens").first.wait_for(timeout=ANSWER_MS)
    settle(page)
    base, tuned = (page.locator(f".st-key-{card}").inner_text() for card in ("off_answer_0", "on_answer_1"))
    assert "Base" in base
    assert "Tuned" in tuned
    page.locator(".st-key-expected").wait_for()
    shoot(page, "compare")
    page.set_viewport_size({"width": 420, "height": 1000})
    assert beyond_edge(page) == []


def test_chat_streams_an_answer(prepared: Studio, open_page) -> None:
    page = open_page(width=420, scheme="dark")
    visit(page, f"{prepared.url}/chat")
    box = page.get_by_test_id("stChatInput").locator("textarea")
    box.fill("What's the refund policy?")
    box.press("Enter")
    page.get_by_test_id("stChatMessage").last.get_by_text(" tokens").wait_for(timeout=ANSWER_MS)
    page.wait_for_url("**/chat?conversation=**")
    page.reload()  # the conversation is saved
    page.get_by_test_id("stChatMessage").last.get_by_text(" tokens").wait_for(timeout=ANSWER_MS)
    settle(page)
    assert page.get_by_test_id("stChatMessage").count() == 2
    assert beyond_edge(page) == []
    shoot(page, "chat")


def test_try_the_demo(prepared: Studio, open_page) -> None:
    page = open_page()
    visit(page, prepared.url)
    press(page, "go_demo")
    page.wait_for_url("**/demo?**")  # the click arrived
    page.locator(".st-key-demo_steps").wait_for()
    page.locator(".st-key-live_curve .js-plotly-plot").first.wait_for(timeout=TRAIN_MS)
    page.locator(".st-key-matrix_part_0").wait_for(timeout=TRAIN_MS)
    settle(page)
    tiles = page.get_by_test_id("stMetric").all_inner_texts()
    known, unseen = tiles[:5], tiles[5:10]  # in trained wordings, in unseen wordings
    shares = {text.splitlines()[0]: float(text.split("%")[0].split()[-1]) for text in known}
    assert shares["Valid JSON"] == 100
    assert shares["Field: team"] >= 90
    assert shares["Field: urgent"] >= 95
    assert all("base 0.0%" in text for text in (*known, *unseen) if text.startswith("All fields right"))
    assert unseen[0].startswith("Valid JSON")
    assert beyond_edge(page) == []
    shoot(page, "demo")

    press(page, "compare")  # the first example is one that it was trained on
    page.locator(".st-key-ask_all button:enabled").wait_for()
    settle(page)  # a click on a page that is still being drawn can be lost
    press(page, "ask_all")
    page.locator(".st-key-on_answer_1").get_by_text("Matches the expected output").wait_for(timeout=ANSWER_MS)
