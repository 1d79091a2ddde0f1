"""What surrounds every screen: the toasts for finished work, and the script for keyboards and screen readers."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.services.data import datasets
from core.services.platform import news, tasks
from core.services.platform.news import FinishedRecord
from pages.ui.front_door.response import STUDIO, content_policy
from tests.support.jobs import example

SCRIPT = "from pages.ui import app\napp.announcements()"


@pytest.fixture
def ended(studio_env: object, monkeypatch: pytest.MonkeyPatch) -> list[FinishedRecord]:
    """What ended since the last look; the list may grow."""
    records: list[FinishedRecord] = []
    monkeypatch.setattr(tasks, "last_event_id", lambda: 7)

    def since(after: int) -> news.News:
        later = tuple(item for item in records if item.id > after)
        return news.News(later, max((item.id for item in later), default=after), 0)

    monkeypatch.setattr(news, "since", since)
    return records


def finished(event_id: int, state: str = "succeeded") -> FinishedRecord:
    return FinishedRecord(event_id, "task_1", "training", "Support *v1*", state, "", 0.0)


def test_only_what_ends_after_the_arrival_is_announced_and_only_once(ended: list[FinishedRecord]) -> None:
    ended.append(finished(7))
    app = AppTest.from_string(SCRIPT).run()
    assert not app.toast
    ended.append(finished(8))
    (toast,) = app.run().toast
    assert r"Support \*v1\*" in toast.value
    assert not app.run().toast


def test_each_end_has_its_own_words(ended: list[FinishedRecord]) -> None:
    app = AppTest.from_string(SCRIPT).run()
    ended += [finished(8, "succeeded"), finished(9, "failed"), finished(10, "cancelled")]
    assert len({toast.value for toast in app.run().toast}) == 3


def test_a_dataset_with_errors_is_announced_without_a_green_check(ended: list[FinishedRecord]) -> None:
    small = datasets.create_dataset("Small", [example(number) for number in range(3)])
    app = AppTest.from_string(SCRIPT).run()
    ended += [finished(8), replace(finished(9), dataset_id=small.id), replace(finished(10), dataset_id="ds_gone")]
    assert [toast.icon for toast in app.run().toast] == [
        ":material/check_circle:",
        ":material/error:",
        ":material/check_circle:",
    ]


def test_a_database_that_fails_takes_no_screen_down(
    ended: list[FinishedRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise OSError("the disk failed")

    monkeypatch.setattr(tasks, "last_event_id", fail)
    assert not AppTest.from_string(SCRIPT).run().exception


def test_the_script_of_every_screen_survives_the_sanitizer_and_is_allowed_by_the_content_policy() -> None:
    """DOMPurify drops an element in whose text a less-than sign stands before a letter, a slash or `!`."""
    assert not re.search(r"<[a-zA-Z/!]", STUDIO)
    app = AppTest.from_string("from pages.ui import app\napp.configure()").run()
    (sent,) = [item.proto.body for item in app.get("html") if item.proto.unsafe_allow_javascript]
    script = sent.removeprefix("<script>").removesuffix("</script>")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in content_policy()
