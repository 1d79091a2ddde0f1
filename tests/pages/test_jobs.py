"""The list of jobs: what is in which state, why one waits, and curves of several runs together."""

from __future__ import annotations

from core.services import jobs
from tests.support import runs


def test_an_empty_list_says_what_to_do_first(open_screen, read) -> None:
    said = read(open_screen("jobs"))
    assert "No training job yet" in said
    assert "Start training job" in said


def test_jobs_are_listed_with_their_state_and_why_they_wait(open_screen, read) -> None:
    data = runs.dataset()
    runs.begin(runs.launch(data, "First run"), 30)
    runs.launch(data, "Second run")
    app = open_screen("jobs")
    said = read(app)
    assert "Running" in said
    assert "Pending" in said
    assert "No gpu worker is running" in said
    assert [link.label for link in app.get("page_link")] == ["**Second run**", "**First run**"]
    assert "56 labeled examples" in said


def test_a_filter_by_state_hides_the_others(open_screen, read) -> None:
    data = runs.dataset()
    runs.begin(runs.launch(data, "Moving"), 30)
    jobs.request(runs.launch(data, "Given up").id, "cancel")
    app = open_screen("jobs")
    app.segmented_control(key="state").set_value("cancelled").run()
    assert [link.label for link in app.get("page_link")] == ["**Given up**"]


def test_runs_are_compared_in_one_figure(open_screen, read) -> None:
    data = runs.dataset()
    for name in ("Slow", "Fast"):
        runs.begin(runs.launch(data, name), 40)
    app = open_screen("jobs")
    said = read(app)
    assert "Compare runs" in said
    assert len(app.multiselect(key="compare").value) == 2
    assert len(app.get("plotly_chart")) == 1
    assert "learning rate 0.002" in said
