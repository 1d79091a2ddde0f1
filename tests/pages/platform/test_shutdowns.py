"""Models that go dark are marked wherever they are chosen, listed and used, months ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.platform import connections, drafts, spending
from core.services.platform.listing import View
from core.services.serving import agents, connected, evaluating, shutdowns
from core.services.training import models
from core.serving.evaluations import store
from pages.ui.format import md
from tests.pages.conftest import shows, texts
from tests.support import evaluations as planted
from tests.support.hosted.openai_shaped import OpenAiShapedService
from tests.support.hosted.server import KEY
from tests.support.jobs import make_dataset
from tests.support.llm_server import Reply, Request, llm_server
from tests.support.notebook import connect, notebook, tuned_there, visit
from tests.support.talking import tuned

DAY = (datetime.now(UTC).date() + timedelta(days=200)).isoformat()
MARK = f"dark from {DAY}"


@pytest.fixture
def provider(studio_env: Path) -> str:
    """The id of a connection whose model `big-1` goes dark in 200 days."""
    made = connections.save(name="Provider", kind="openai", base_url="http://127.0.0.1:9/v1")
    shutdowns.save(host="127.0.0.1", model="big-1", shutdown_on=DAY)
    return made.id


def test_an_agent_is_marked_in_the_list_on_its_screen_and_in_the_calendar(open_screen, read, provider: str) -> None:
    agent = agents.create(name="Help desk", model=f"via:{provider}:big-1")
    app = open_screen("agents")
    read(app)
    assert shows(MARK, texts(app))
    app = open_screen("shutdowns")
    read(app)
    assert shows(f"goes dark on {DAY}", texts(app))
    app = open_screen("agents", id=agent.id)
    read(app)
    assert shows(MARK, texts(app))
    app = open_screen("agents", id=agent.id, edit="yes")
    assert any(MARK in option for option in app.selectbox(key=f"model_{agent.id}").options)


def test_the_test_of_a_connection_says_when_a_base_model_goes_dark(open_screen, read, studio_env: Path) -> None:
    server = OpenAiShapedService()
    try:
        made = connections.save(name="Ours", kind="openai", base_url=server.url, training="custom", key=KEY)
        shutdowns.save(host="127.0.0.1", model="base-2", shutdown_on=DAY)
        app = open_screen("settings", section="connections")
        app.button(key=f"test_{made.id}").click().run()
        read(app)
        assert shows(f"base-2 (until {DAY})", texts(app))
    finally:
        server.close()


def test_the_form_of_an_evaluation_says_when_a_typed_model_goes_dark(
    open_screen, read, provider: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    planted.models(monkeypatch)
    tuned(tmp_path / "one", "v1")
    planted.dataset()
    app = open_screen("evaluate", new="yes")
    app.text_area(key="evaluation_elsewhere").set_value("Provider/big-1\nnowhere/else").run()
    read(app)
    assert shows(MARK, texts(app))


def test_a_base_model_of_a_new_job_is_marked(tmp_path: Path, studio_env: Path, open_screen, read) -> None:
    with notebook(tmp_path / "notebook.json"):
        connection = connect()
        shutdowns.save(
            host=shutdowns.host_of(connection.base_url), model="small", shutdown_on=DAY, jobs_end_on="2027-01-06"
        )
        state = {"dataset_id": make_dataset(validation=2).id, "connection": connection.id, "hosted_base": "small"}
        draft = drafts.create("job", state, step="model")
        app = open_screen("new_job", draft=draft.id)
        said = read(app)
        (base,) = (box for box in app.selectbox if box.label == "Base model")
        assert [MARK in option for option in base.options] == [True, False]
        assert "It goes dark in 200 days, and so does what is trained from it" in said
        assert f"It takes no new jobs from {md('2027-01-06')} on." in said


def successor(open_screen, read, model: str) -> dict[str, str]:
    """The address that *Train its successor* leads to."""
    app = open_screen("shutdowns")
    read(app)
    host = shutdowns.host_of(connections.list_connections()[-1].base_url)
    (record,) = (one for one in shutdowns.calendar(used_only=True) if (one.host, one.model) == (host, model))
    found = shutdowns.start_of(record)
    return {"again": found.job_id} if found.job_id else {"dataset": found.dataset_id} if found.dataset_id else {}


def test_the_successor_of_a_tuned_model_keeps_data_method_and_settings_and_needs_another_base(
    tmp_path: Path, studio_env: Path, open_screen, read
) -> None:
    with notebook(tmp_path / "notebook.json") as service:
        model = tuned_there(service, "http://127.0.0.1:9/v1", hyperparameters={"n_epochs": 7, "speed": "fast"})
        shutdowns.save(host="127.0.0.1", model="small", shutdown_on=DAY)
        assert successor(open_screen, read, "small") == {"again": model.job_id}
        app = open_screen("new_job", again=model.job_id, replaces="small")
        assert "small goes dark: choose another base model" in read(app)
        (draft,) = drafts.list_open("job")
        assert draft.step == "model"
        assert draft.state["dataset_id"] == model.dataset_id
        (base,) = (box for box in app.selectbox if box.label == "Base model")
        assert base.value == ""
        large = next(option for option in base.options if option.startswith("large"))
        base.select(large).run()
        read(app)
        (draft,) = drafts.list_open("job")
        assert (draft.state["hosted_base"], draft.state["hosted_method"]) == ("large", "lora")
        assert draft.state["hyperparameters"] == {"n_epochs": 7, "speed": "fast"}
        assert draft.state["connection"] == model.hosted.connection_id  # type: ignore[union-attr]


def test_the_successor_of_a_model_of_a_connection_starts_with_what_is_known_of_it(
    tmp_path: Path, studio_env: Path, open_screen, read
) -> None:
    with notebook(tmp_path / "notebook.json") as service:
        model = tuned_there(service, "http://127.0.0.1:9/v1")
        connection_id = model.hosted.connection_id  # type: ignore[union-attr]
        models.archive([model.id])
        shutdowns.save(host="127.0.0.1", model="small", shutdown_on=DAY)
        shutdowns.save(host="127.0.0.1", model="other", shutdown_on=DAY)
        agents.create(name="Help desk", model=f"via:{connection_id}:small")
        agents.create(name="Other desk", model=f"via:{connection_id}:other")
        assert successor(open_screen, read, "small") == {"again": model.job_id}  # it was trained from it
        assert successor(open_screen, read, "other") == {}
        evaluating.start([f"via:{connection_id}:other"], models.trained_version(model.id), split="validation")
        assert successor(open_screen, read, "other") == {"dataset": model.dataset_id}
        app = open_screen("new_job", dataset=model.dataset_id, replaces="other")
        read(app)
        (draft,) = drafts.list_open("job")
        assert (draft.step, draft.state["replaces"]) == ("model", "other")


def _answers() -> None:
    from core.services.serving import shutdowns
    from pages.platform._shutdowns.actions import answers_dialog

    answers_dialog(next(record for record in shutdowns.calendar() if record.model == "small"))


def test_answers_are_recorded_from_the_calendar_with_what_they_cost(
    tmp_path: Path, studio_env: Path, open_screen, read
) -> None:
    def behave(request: Request) -> Reply:
        return Reply("Blue.", usage=(100, 10))

    with notebook(tmp_path / "notebook.json") as service, llm_server(behave) as server:
        model = tuned_there(service, server.url)
        make_dataset("Other", validation=3)
        connection, _ = connected.place(model.id)
        prices = {"*": {"input": 10.0, "output": 20.0}}
        connections.save(
            id=connection.id, name=connection.name, kind="openai", base_url=server.url, training="notebook",
            prices=prices,
        )  # fmt: skip
        agents.create(name="Help desk", model=model.id)
        shutdowns.save(host="127.0.0.1", model="small", shutdown_on=DAY)
        app = open_screen("shutdowns")
        assert "answers_127.0.0.1_small" in {button.key for button in app.button}
        app = AppTest.from_function(_answers, default_timeout=180).run()
        said = read(app)
        chosen, dataset = (box for box in app.selectbox if box.label in ("Model", "Dataset"))
        assert chosen.options == [model.name]  # one model, though an agent uses it too
        assert dataset.value == model.dataset_id  # what it was trained with
        assert r"2 answers; at most \$" in said
        app.button(key="record_answers").click().run()
        (evaluation,) = evaluating.look_up(View())[1]
        assert (evaluation.name, evaluation.split) == (f"Answers of {model.name}", "validation")
        assert visit(evaluation.task_id).state == "succeeded"
        assert [one.answer for one in store.answers(evaluation.id, model_id=model.id)] == ["Blue.", "Blue."]
        assert models.scores(model)
        (work,) = (one for one in spending.spending().works if one.kind == "judging")
        assert work.spent_usd == pytest.approx(2 * (100 * 10 + 10 * 20) / 1e6)


def test_a_model_that_answers_nowhere_has_no_answers_to_record(
    tmp_path: Path, studio_env: Path, open_screen, read
) -> None:
    with notebook(tmp_path / "notebook.json") as service:
        tuned_there(service, "http://127.0.0.1:9/v1", model="")
        shutdowns.save(host="127.0.0.1", model="small", shutdown_on=DAY)
        app = open_screen("shutdowns")
        app.button(key="answers_127.0.0.1_small").click().run()
        assert "None of its models answers now" in read(app)
