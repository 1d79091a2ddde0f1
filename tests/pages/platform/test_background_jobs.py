"""Background jobs: all kinds of tasks, their progress and actions, and the workers."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from core.services.platform import tasks
from core.services.training import jobs
from pages.ui.tasks import words as task_words
from tests.pages.conftest import keys, shows
from tests.support import runs


def test_without_tasks_it_leads_to_the_upload(open_screen, read) -> None:
    app = open_screen("background_jobs")
    read(app)
    assert {"empty_btn_no_tasks", "workers"} <= keys(app)


def test_each_kind_is_listed_with_its_progress_and_reason(open_screen, read) -> None:
    data = runs.dataset()
    runs.begin(runs.launch(data, "Moving"), 70)
    jobs.calibrate(data.id, "starter", "lora")
    app = open_screen("background_jobs")
    said = read(app)
    titles = [link.label for link in app.get("page_link") if link.label.startswith("**")]
    assert titles == ["**Train “Moving”**", f"**{tasks.list_tasks(kind='starter')[0].title}**"]
    assert [word for word in ("Waiting", "Running", "Ended") if f"**{word}**" in said or word in said] == [
        "Waiting", "Running", "Ended",
    ]  # fmt: skip
    assert tasks.kind("starter").title in said
    assert tasks.kind("calibration").title in said
    waiting = tasks.waiting_reason(tasks.list_tasks(kind="calibration")[0])
    assert waiting
    assert shows(task_words.why(waiting), said)
    assert [bar.value for bar in app.get("progress")]


def test_a_waiting_task_is_cancelled_from_its_row(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    app = open_screen("background_jobs")
    app.button(key=f"{job.task_id}_cancel").click().run()
    read(app)
    assert tasks.get_task(job.task_id).state == "cancelled"


def test_one_kind_can_be_selected(open_screen, read) -> None:
    data = runs.dataset()
    runs.launch(data, "A job")
    jobs.calibrate(data.id, "starter", "lora")
    app = open_screen("background_jobs")
    app.selectbox(key="list_kind").set_value("calibration").run()
    said = read(app)
    assert "Measure Starter" in said
    assert not app.get("page_link")


def test_a_planned_task_says_when_it_starts_and_starts_now(open_screen, read) -> None:
    job = runs.launch(runs.dataset(), "Tonight")
    tasks.schedule(job.task_id, time.time() + 3600)
    app = open_screen("background_jobs")
    said = read(app)
    assert "Planned" in said
    assert "Starts on " in said
    app.button(key=f"{job.task_id}_now").click().run()
    read(app)
    assert not tasks.get_task(job.task_id).is_planned


def test_the_time_of_a_planned_task_is_changed(open_screen, read) -> None:
    job = runs.launch(runs.dataset(), "Tonight")
    tasks.schedule(job.task_id, time.time() + 3600)
    app = open_screen("background_jobs")
    tomorrow = (datetime.now() + timedelta(days=1)).date()
    app.date_input(key=f"{job.task_id}_day").set_value(tomorrow).run()
    app.button(key=f"{job.task_id}_change").click().run()
    read(app)
    planned = tasks.get_task(job.task_id).not_before
    assert planned is not None
    assert datetime.fromtimestamp(planned).date() == tomorrow
