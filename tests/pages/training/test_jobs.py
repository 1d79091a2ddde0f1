"""The list of jobs: states, the reason why a job waits, and the comparison of several runs."""

from __future__ import annotations

import re

from core.services.training import jobs, monitoring
from core.training.metrics import METRICS
from pages.ui import states
from pages.ui.tasks import words as task_words
from tests.pages.conftest import keys, shows
from tests.support import runs

RUNS: dict[str, dict[str, float]] = {"Slow": {"learning_rate": 0.001}, "Fast": {}, "Third": {"seed": 1}}


def test_an_empty_list_leads_to_a_new_job(open_screen, read) -> None:
    app = open_screen("jobs")
    read(app)
    assert "empty_btn_no_jobs" in keys(app)


def test_jobs_are_listed_with_their_state_and_why_they_wait(open_screen, read) -> None:
    data = runs.dataset()
    runs.begin(runs.launch(data, "First run"), 30)
    waiting = runs.launch(data, "Second run")
    app = open_screen("jobs")
    said = read(app)
    assert {states.state_of(state).word for state in ("running", "pending")} <= set(re.findall(r"\w+(?=\])", said))
    assert waiting.waiting_reason
    assert shows(task_words.why(waiting.waiting_reason), said)
    assert [link.label for link in app.get("page_link")] == ["**Second run**", "**First run**"]
    assert "56 training examples" in said


def test_a_filter_by_state_hides_the_others(open_screen, read) -> None:
    data = runs.dataset()
    runs.begin(runs.launch(data, "Moving"), 30)
    jobs.request(runs.launch(data, "Given up").id, "cancel")
    app = open_screen("jobs")
    app.selectbox(key="list_state").set_value("cancelled").run()
    assert [link.label for link in app.get("page_link")] == ["**Given up**"]


def test_runs_are_compared_in_one_figure_with_what_differs(open_screen, read) -> None:
    data = runs.dataset()
    slow, fast, other = (runs.launch(data, name, **training) for name, training in RUNS.items())
    for job, steps in ((slow, 40), (fast, 80), (other, 40)):
        runs.begin(job, steps)
    app = open_screen("jobs", jobs=f"{slow.id},{fast.id},job_gone")
    read(app)
    assert app.multiselect(key="compare").value == [slow.id, fast.id]
    assert len(app.get("plotly_chart")) == 1
    figures, settings = (frame.value for frame in app.dataframe)
    compared = monitoring.compare([slow.id, fast.id])
    assert list(settings.index) == [setting.name for setting in compared.settings]
    assert [list(row) for row in settings.values] == [["0.001", "0.002"]]
    loss, steps = figures.iloc[0], [list(row) for row in figures.values if list(row) == ["40", "80"]]
    assert [cell.endswith("★") for cell in loss] == [False, True]
    assert steps
    app.multiselect(key="compare").set_value([slow.id, fast.id, other.id]).run()
    assert app.query_params["jobs"] == f"{slow.id},{fast.id},{other.id}"
    for axis in ("Epoch", "Tokens", "Time"):
        app.segmented_control(key="compare_x").set_value(axis).run()
        read(app)
    app.segmented_control(key="compare_y").set_value(METRICS.get("tokens_per_s").title).run()
    read(app)


def test_the_two_newest_runs_are_compared_by_default(open_screen, read) -> None:
    data = runs.dataset()
    jobs_ = [runs.launch(data, name, **training) for name, training in RUNS.items()]
    for job in jobs_:
        runs.begin(job, 10)
    app = open_screen("jobs")
    read(app)
    assert app.multiselect(key="compare").value == [jobs_[2].id, jobs_[1].id]
    assert "jobs" not in app.query_params
