"""The Analytics screen: empty, with use, with models, and with what the data lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.services.serving import analytics
from core.services.serving.analytics.usage import _usage
from tests.core.services.serving.test_analytics import talk
from tests.pages.conftest import keys
from tests.support.talking import tuned
from worker.run import execute


@pytest.fixture(autouse=True)
def fresh(studio_env: Path) -> None:
    _usage.cache_clear()


@pytest.mark.parametrize("view", ["use", "training", "gaps"])
def test_an_empty_studio_says_what_is_missing(open_screen, read, view: str) -> None:
    app = open_screen("analytics", view=view)
    read(app)
    assert app.main.caption


def test_figures_are_shown_by_model_agent_and_day(open_screen, read) -> None:
    talk("m1", agent="a1", seconds=2.0)
    talk("m1", days_ago=1, state="failed")
    app = open_screen("analytics")
    read(app)
    assert next(metric.value for metric in app.metric) == "2"
    assert {"chart_requests", "chart_latency"} <= keys(app)
    assert list(app.dataframe[0].value["Requests"]) == [2]
    by = next(one for one in app.get("button_group") if one.key == "analytics_by")
    by.set_value("agents").run()
    read(app)
    assert list(app.dataframe[0].value["Name"]) == ["A deleted agent"]


def test_versions_and_gaps_are_shown(open_screen, read, tmp_path: Path) -> None:
    model = tuned(tmp_path / "one")
    talk(model.id, asked="Solve the integral of x squared dx")
    app = open_screen("analytics", view="training")
    assert "Not evaluated yet" in read(app)
    assert list(app.dataframe[0].value["Version"]) == ["v1"]
    app = open_screen("analytics", view="gaps")
    read(app)
    app.button(key="look_for_gaps").click().run()
    task = analytics.running_gaps()
    assert task is not None
    execute(task.id, "test")
    again = open_screen("analytics", view="gaps")
    shown = read(again)
    assert "integral" in shown
    assert "1** of 1 input" in shown
