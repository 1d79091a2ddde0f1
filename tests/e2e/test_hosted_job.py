"""A job at a hosted service, from its estimate to a model that answers here; and a job that starts at a set time.

The service is a second, real studio.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.services.platform import connections
from core.services.training import cost, jobs
from tests.e2e.harness import Studio, beyond_edge, settle, visit
from tests.support.jobs import make_dataset
from tests.support.second_studio import SecondStudio, second_studio

pytestmark = pytest.mark.browser

WORK_MS = 600_000
PRICE_USD = 2_000.0  # per million tokens: a few hundred tokens cost dollars
EPOCHS = 12


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, starter: Path) -> Iterator[SecondStudio]:
    with second_studio(tmp_path_factory.mktemp("service") / "data", starter) as running:
        yield running


@pytest.fixture
def inside(ready_studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services read the running studio's data."""
    monkeypatch.setenv("SFT_DATA_DIR", str(ready_studio.data_dir))


def press(page, key: str) -> None:
    """Press the button with this key and wait for the page."""
    page.locator(f".st-key-{key} button:enabled").first.click()
    settle(page)


def choose(page, label: str, option: str) -> None:
    """Choose from a list."""
    page.get_by_test_id("stSelectbox").filter(has_text=label).locator("input").click()
    page.get_by_role("option").filter(has_text=option).first.click()
    settle(page)


def to_settings(page, url: str, dataset_id: str) -> None:
    """The second step of a new job on a dataset."""
    visit(page, f"{url}/new_job")
    press(page, f"pick_ds_{dataset_id}")
    press(page, "to_model")
    page.get_by_role("heading", name="Configure Model").wait_for()


@pytest.mark.usefixtures("inside")
def test_a_hosted_job_from_its_estimate_to_a_model_that_answers(
    ready_studio: Studio, service: SecondStudio, open_page
) -> None:
    dataset = make_dataset("Sent away", count=12, validation=2)
    room = connections.save(
        name="GPU room", kind="openai", base_url=service.url, key=service.key, training="sft_studio"
    )
    cost.save_price(room.id, "starter", PRICE_USD)
    page = open_page()
    to_settings(page, ready_studio.url, dataset.id)
    choose(page, "Provider", "GPU room")
    choose(page, "Base model", "tarter")
    page.get_by_text("Your examples leave this machine and go to").first.wait_for()
    epochs = page.locator(".st-key-hosted_settings").get_by_label("Epochs").and_(page.locator("input"))
    epochs.fill(str(EPOCHS))
    epochs.press("Enter")
    settle(page)
    assert beyond_edge(page) == []
    press(page, "to_review")
    page.get_by_role("heading", name="Review & Launch").wait_for()
    press(page, "estimate_cost")
    page.locator(".st-key-cost").get_by_text(re.compile(r"\$\d")).first.wait_for()
    assert beyond_edge(page) == []
    narrow = open_page(width=420, scheme="dark")
    visit(narrow, page.url)
    narrow.locator(".st-key-launch button").wait_for()
    assert beyond_edge(narrow) == []
    page.locator(".st-key-launch button").click()
    page.wait_for_url("**/job?id=*")
    page.locator(".st-key-at_service").wait_for()
    page.get_by_test_id("stMain").get_by_text("Succeeded").first.wait_for(timeout=WORK_MS)
    settle(page)
    assert beyond_edge(page) == []

    (job,) = [job for job in jobs.list_jobs() if job.dataset_id == dataset.id]
    there = service.api("GET", "/v1/fine_tuning/jobs?limit=100").json()["data"]
    assert [one["status"] for one in there] == ["succeeded"]
    assert job.model_id
    press(page, "to_chat")
    box = page.get_by_test_id("stChatInputTextArea")
    box.wait_for()
    settle(page)
    box.fill("What is item 3?")
    box.press("Enter")
    page.get_by_test_id("stChatMessage").nth(1).get_by_text(re.compile(r"\w{3}")).first.wait_for(timeout=WORK_MS)


@pytest.mark.usefixtures("inside")
def test_a_job_starts_at_a_set_time_or_when_a_person_says_so(ready_studio: Studio, open_page) -> None:
    dataset = make_dataset("Tonight", count=12, validation=2)
    page = open_page()
    to_settings(page, ready_studio.url, dataset.id)
    press(page, "to_review")
    page.get_by_role("heading", name="Review & Launch").wait_for()
    page.locator(".st-key-start").get_by_text("Start at a set time").click()
    page.locator(".st-key-start").get_by_label("Day", exact=True).wait_for()
    settle(page)
    assert beyond_edge(page) == []
    page.locator(".st-key-launch button").click()
    page.wait_for_url("**/job?id=*")
    settle(page)
    (job,) = [job for job in jobs.list_jobs() if job.dataset_id == dataset.id]
    assert job.state == "pending"

    visit(page, f"{ready_studio.url}/background_jobs")
    page.get_by_text("Planned").first.wait_for()
    assert beyond_edge(page) == []
    narrow = open_page(width=420, scheme="dark")
    visit(narrow, page.url)
    assert beyond_edge(narrow) == []
    page.locator(f".st-key-{job.task_id}_now button").click()
    visit(page, f"{ready_studio.url}/job?id={job.id}")
    page.get_by_test_id("stMain").get_by_text("Succeeded").first.wait_for(timeout=WORK_MS)
