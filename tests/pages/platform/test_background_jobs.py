"""Background jobs: every kind of long work, its progress and actions, and the workers."""

from __future__ import annotations

from core.services.platform import tasks
from core.services.training import jobs
from tests.support import runs


def test_without_work_it_says_what_appears_here(open_screen, read) -> None:
    said = read(open_screen("background_jobs"))
    assert "Nothing runs in the background" in said
    assert "No worker is running" in said


def test_every_kind_is_listed_with_progress_and_reason(open_screen, read) -> None:
    data = runs.dataset()
    runs.begin(runs.launch(data, "Moving"), 70)
    jobs.calibrate(data.id, "starter", "lora")
    app = open_screen("background_jobs")
    said = read(app)
    assert [link.label for link in app.get("page_link")] == ["**Train “Moving”**"]
    assert "Starter model" in said
    assert "Time measurement" in said
    assert "No gpu worker is running" in said
    assert [bar.value for bar in app.get("progress")]


def test_a_waiting_task_is_cancelled_from_its_row(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    app = open_screen("background_jobs")
    app.button(key=f"{job.task_id}_cancel").click().run()
    read(app)
    assert tasks.get_task(job.task_id).state == "cancelled"


def test_one_kind_can_be_looked_at_alone(open_screen, read) -> None:
    data = runs.dataset()
    runs.launch(data, "A job")
    jobs.calibrate(data.id, "starter", "lora")
    app = open_screen("background_jobs")
    app.selectbox(key="kind").set_value("calibration").run()
    said = read(app)
    assert "Measure Starter" in said
    assert not app.get("page_link")
