"""Notices in a real Chromium: a receiver is added and tested, a job ends, the bell counts, and opening it reads."""

from __future__ import annotations

import pytest

from core.services.platform import connections, notices
from core.services.training import jobs
from tests.e2e.harness import Studio, beyond_edge, settle, visit
from tests.support.hosted.server import KEY
from tests.support.hosted.services import OpenAiService
from tests.support.jobs import make_dataset
from tests.support.receivers import webhook
from tests.support.servers import wait_until

pytestmark = pytest.mark.browser
LIMIT_S = 90.0


def press(page, key: str) -> None:
    page.locator(f".st-key-{key} button:enabled").first.click()
    settle(page)


def fail_at_the_service(server: OpenAiService, name: str) -> None:
    """A job at a service, submitted by the studio's own workers, that fails there."""
    place = connections.save(name=f"Service of {name}", kind="openai", base_url=server.url, key=KEY, training="openai")
    job = jobs.create(
        dataset_id=make_dataset(f"For {name}").id, draft_key=None, connection=place.id, name=name,
        base_model="gpt-4.1-mini-2025-04-14", method="lora",
    )  # fmt: skip
    wait_until(lambda: jobs.get_job(job.id).hosted.remote_id != "", LIMIT_S, "the submission")
    for remote in server.jobs.values():
        remote |= {"status": "failed", "error": {"code": "invalid", "message": "A line is broken", "param": None}}
    jobs.sync(job.id)
    wait_until(lambda: jobs.get_job(job.id).is_terminal, LIMIT_S, "the end of the job")


def test_a_receiver_is_added_and_a_job_that_ends_is_told_and_read(
    studio: Studio, open_page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(studio.data_dir))
    server, page = OpenAiService(), open_page()
    try:
        with webhook() as received:
            visit(page, f"{studio.url}/settings")
            press(page, "pick_add_target")
            form = page.get_by_role("dialog")
            form.get_by_test_id("stSelectbox").locator("input").first.click()
            page.get_by_role("option").filter(has_text="Webhook").first.click()
            settle(page)
            form.locator("[class*=st-key-notice_name_new_webhook] input").fill("Operations")
            form.locator("input[type=password]").fill(f"http://127.0.0.1:{received.port}/in?token=t0p")
            press(page, "test_target")
            form.get_by_text("accepted the test message").wait_for()
            assert received.titles == ["SFT Studio: test"]
            press(page, "save_target")
            page.get_by_text("127.0.0.1").first.wait_for()
            assert "t0p" not in page.locator("body").inner_text()

            fail_at_the_service(server, "Journey")
            wait_until(lambda: len(received.titles) == 2, LIMIT_S, "the delivery")
            assert received.titles[1] == "Train “Journey” failed"
        visit(page, f"{studio.url}/settings")
        count = page.locator(".st-key-bell_count")
        count.wait_for()
        press(page, "bell_panel")
        told = page.locator(".st-key-bell_list")
        told.get_by_text("Train “Journey” failed").wait_for()
        told.get_by_text("A line is broken.").wait_for()
        count.wait_for(state="detached")
        assert beyond_edge(page) == []
        told.get_by_text("Train “Journey” failed").click()
        page.wait_for_url("**/job?id=*")
        visit(page, f"{studio.url}/settings")
        assert count.count() == 0
    finally:
        server.close()
        for target in notices.list_targets():
            notices.delete(target.id)
