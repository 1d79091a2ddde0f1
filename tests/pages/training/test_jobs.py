"""The list of jobs: what is in which state, why one waits, and curves of several runs together."""

from __future__ import annotations

from core.services.training import jobs
from tests.support import runs

RUNS: dict[str, dict[str, float]] = {"Slow": {"learning_rate": 0.001}, "Fast": {}, "Third": {"seed": 1}}


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


def test_runs_are_compared_in_one_figure_with_what_differs(open_screen, read) -> None:
    data = runs.dataset()
    slow, fast, other = (runs.launch(data, name, **training) for name, training in RUNS.items())
    for job, steps in ((slow, 40), (fast, 80), (other, 40)):
        runs.begin(job, steps)
    app = open_screen("jobs", jobs=f"{slow.id},{fast.id},job_gone")
    assert "Compare runs" in read(app)
    assert app.multiselect(key="compare").value == [slow.id, fast.id]
    assert len(app.get("plotly_chart")) == 1
    figures, settings = (frame.value for frame in app.dataframe)
    assert list(settings.index) == ["Learning rate"]
    assert list(settings.loc["Learning rate"]) == ["0.001", "0.002"]
    assert [cell.endswith("★") for cell in figures.loc["Training loss"]] == [False, True]
    assert list(figures.loc["Steps"]) == ["40", "80"]
    app.multiselect(key="compare").set_value([slow.id, fast.id, other.id]).run()
    assert app.query_params["jobs"] == f"{slow.id},{fast.id},{other.id}"
    for axis in ("Epoch", "Tokens", "Time"):
        app.segmented_control(key="compare_x").set_value(axis).run()
        read(app)
    app.segmented_control(key="compare_y").set_value("Tokens per second").run()
    read(app)


def test_the_two_newest_runs_are_compared_unless_others_are_named(open_screen, read) -> None:
    data = runs.dataset()
    jobs_ = [runs.launch(data, name, **training) for name, training in RUNS.items()]
    for job in jobs_:
        runs.begin(job, 10)
    app = open_screen("jobs")
    read(app)
    assert app.multiselect(key="compare").value == [jobs_[2].id, jobs_[1].id]
    assert "jobs" not in app.query_params
