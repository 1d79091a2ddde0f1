"""Evaluate: the list, the form, one evaluation with its verdict, and a case that becomes an example."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.messages import Example, Message
from core.platform.db.uow import UnitOfWork
from core.services.data import datasets
from core.services.serving import evaluating
from core.services.serving.evaluating import AnswerRecord, EvaluationSettings, tools
from core.serving.evaluations import store
from core.serving.evaluations.records import UnaskedExamples
from tests.pages.conftest import keys
from tests.support import evaluations as planted
from tests.support.screens import part
from tests.support.talking import tuned


@pytest.fixture
def known(studio_env: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A tuned model, so that the screen has something to evaluate."""
    planted.models(monkeypatch)
    return tuned(tmp_path / "one", "v1").id


def test_an_evaluation_shows_its_verdict_first(open_screen, read, known) -> None:
    done = planted.planted(
        planted.dataset(), {"new": planted.wrong, "old": planted.right}, against="old", suites=("refusals", "format")
    )
    app = open_screen("evaluate", id=done.id)
    assert "Don't ship" in part(app, "verdict_new")
    assert {"verdict_new", "evaluation_matrix", "worst_cases", "evaluation_radar"} <= keys(app)
    figures = app.dataframe[0].value
    assert list(figures.columns) == ["Figure", "New", "Old"]
    assert ["Label accuracy", "0.0%", "100.0%"] in figures.to_numpy().tolist()
    assert "Guard: Refusals" in list(figures["Figure"])


def test_what_was_left_out_and_given_up_is_said(open_screen, read, known) -> None:
    done = planted.planted(planted.dataset(), {"new": planted.right})
    assert done.summary is not None
    reasons = (UnaskedExamples("tools", 1, "tools are offered, but <b>A</b> takes none"),)
    changed = replace(done.summary, left_out=1, left_out_reasons=reasons, given_up=("The metric “Mine” was given up.",))
    with UnitOfWork() as uow:
        store.save_summary(uow, done.id, changed)
        uow.commit()
    app = open_screen("evaluate", id=done.id)
    assert "1 example was left out: tools are offered" in read(app)
    assert app.warning[0].value.startswith("The metric “Mine” was given up")


def test_the_form_says_which_examples_will_be_left_out(open_screen, known) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    rain, sun = (Example((Message("user", text), Message("assistant", "No."))) for text in ("Rain?", "Sun?"))
    weather = datasets.create_dataset("Weather", [rain], test=[replace(rain, tools=(tool,)), sun])
    app = open_screen("evaluate", new="1", model=known)
    assert not app.warning
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tools, "problems", lambda models: tools.ToolProblems("the chat template of <b>A</b> takes none"))
        app.selectbox(key="evaluation_dataset").select(weather.version.id).run()
    assert "1 example will be left out: tools are offered, but" in app.warning[0].value


def _dialog(evaluation_id: str) -> None:
    from core.services.serving import evaluating
    from pages.serving._evaluate import worst

    done = evaluating.get(evaluation_id)
    worst.open_case(done, evaluating.cases(done, "new", limit=1)[0][0], {"new": "New"})


def test_a_case_becomes_an_example(read, known) -> None:
    colors = planted.dataset()
    done = planted.planted(colors, {"new": planted.wrong})
    app = AppTest.from_function(_dialog, kwargs={"evaluation_id": done.id}, default_timeout=180).run()
    app.text_area(key="case_output").set_value("violet")
    app.button(key="add_case").click().run()
    assert not app.exception
    assert [one.messages[-1]["content"] for one in datasets.written(colors.id)] == ["violet"]


def test_a_case_with_tools_shows_and_keeps_them(read, known) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    function = {"name": "weather", "arguments": '{"city": "Ulm"}'}
    called = Message("assistant", "", tool_calls=({"id": "c", "type": "function", "function": function},))
    rain = Example((Message("user", "Rain?"), called), tools=(tool,))
    weather = datasets.create_dataset("Weather", [rain], test=[rain, rain])
    done = planted.planted(weather, {"new": planted.wrong})
    app = AppTest.from_function(_dialog, kwargs={"evaluation_id": done.id}, default_timeout=180).run()
    assert "TOOLS" in read(app)
    assert app.text_area(key="case_output").value == 'weather({"city": "Ulm"})'
    app.text_area(key="case_output").set_value("Yes.")
    app.button(key="add_case").click().run()
    assert "should be calls" in app.error[0].value
    app.text_area(key="case_output").set_value('weather({"city": "Bonn"})')
    app.button(key="add_case").click().run()
    (one,) = datasets.written(weather.id)
    assert one.messages[-1]["tool_calls"][0]["function"]["arguments"] == '{"city": "Bonn"}'
    assert one.tools[0]["function"]["name"] == "weather"


def test_the_list_shows_verdicts_and_the_leaderboard(open_screen, read, known) -> None:
    done = planted.planted(planted.dataset(), {"new": planted.right, "old": planted.wrong}, against="old")
    app = open_screen("evaluate")
    shown = read(app)
    assert f"open_{done.id}" in keys(app)
    assert "Ship" in part(app, f"itemtext_{done.id}")
    assert "leaderboard" in keys(app)
    assert "100.0%" in shown


def test_the_form_begins_an_evaluation(open_screen, read, known) -> None:
    planted.dataset()
    app = open_screen("evaluate", new="1", model=known)
    app.number_input(key="evaluation_limit").set_value(5)
    app.button(key="start_evaluation").click().run()
    begun = evaluating.get(app.query_params["id"])
    assert begun.models[0].id == known
    assert begun.settings.limit == 5


def test_a_running_evaluation_shows_how_far_each_model_is(open_screen, read, known) -> None:
    begun = evaluating.start(["new"], planted.dataset().version.id, settings=EvaluationSettings(suites=("format",)))
    with UnitOfWork() as uow:
        store.add_answers(uow, begun.id, [AnswerRecord("new", "", 10 + at, 0, "red") for at in range(3)])
        uow.commit()
    app = open_screen("evaluate", id=begun.id)
    shown = read(app)
    assert "3 answers" in part(app, "evaluation_counts")
    assert "Format" in part(app, "evaluation_asked")
    assert "back" in keys(app)
    assert "Figures" not in shown


def test_an_evaluation_that_was_deleted_leads_back(open_screen, read, known) -> None:
    read(open_screen("evaluate", id="eval_none"))


def test_without_a_model_the_screen_says_what_comes_first(open_screen, read, studio_env) -> None:
    app = open_screen("evaluate")
    read(app)
    assert "empty_no_evaluations" in keys(app)


def test_the_page_of_a_model_has_its_verdict(open_screen, read, known) -> None:
    assert "model_verdict" not in keys(open_screen("models", id=known))
    done = planted.planted(planted.dataset(), {known: planted.right, "old": planted.wrong}, against="old")
    app = open_screen("models", id=known)
    read(app)
    assert "Ship** against old" in part(app, "model_verdict").replace("]", "")
    app.button(key="open_verdict").click().run()
    assert app.query_params["id"] == done.id
