"""Agents: created and changed in a form, rolled back with one click, talked to in Chat, given a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.serving import agents
from core.services.training import models
from core.services.training.models import ModelRecord
from core.serving.agents import TrafficSplit
from tests.pages.conftest import keys
from tests.pages.serving.test_chat import in_address, opened
from tests.support.screens import part
from tests.support.talking import Talker, tuned


@pytest.fixture
def model(talker: Talker, tmp_path: Path) -> ModelRecord:
    return tuned(tmp_path / "adapter")


def test_an_agent_is_created_changed_and_rolled_back(open_screen, read, model, tmp_path: Path) -> None:
    second = tuned(tmp_path / "second", "Second")
    app = open_screen("agents")
    app.button(key="empty_btn_no_agents").click().run()
    app = open_screen("agents", new=model.id)
    assert app.text_area(key=f"system_new_{model.id}").value == "", "the one of its training, which had none"
    app.button(key="save_agent").click().run()
    assert "An agent needs a name" in read(app)
    app.text_input(key="name_new").set_value("Support")
    app.text_area(key="starters_new").set_value("Where is my order?\n\nHow do refunds work?").run()
    app.button(key="save_agent").click().run()
    (agent,) = agents.list_agents()
    assert agent.version.starters == ("Where is my order?", "How do refunds work?")
    app = open_screen("agents", id=agent.id, edit="yes")
    app.text_area(key=f"system_{agent.id}").set_value("Be brief.")
    app.selectbox(key=f"split_model_{agent.id}").set_value(second.id).run()
    app.slider(key=f"split_share_{agent.id}").set_value(25)
    app.text_input(key=f"note_{agent.id}").set_value("Shorter")
    app.button(key="save_agent").click().run()
    version = agents.get_agent(agent.id).version
    assert (version.number, version.system, version.note) == (2, "Be brief.", "Shorter")
    assert version.split == TrafficSplit(second.id, 0.25)
    app = open_screen("agents", id=agent.id)
    assert {"agent_version_1", "agent_version_2", "roll_back_1", f"agent_model_{second.id}"} <= keys(app)
    assert "roll_back_2" not in keys(app)
    app.button(key="roll_back_1").click().run()
    read(app)
    assert agents.get_agent(agent.id).version.content() == agent.version.content()


def test_a_window_that_missed_a_change_does_not_save_over_it(open_screen, read, model) -> None:
    agent = agents.create(name="Support", model=model.id)
    app = open_screen("agents", id=agent.id, edit="yes")
    agents.update(agent.id, system="From another window")
    app.text_area(key=f"system_{agent.id}").set_value("From this one")
    app.button(key="save_agent").click().run()
    assert "changed in the meantime" in read(app)
    assert agents.get_agent(agent.id).version.system == "From another window"


def test_an_agent_is_talked_to_in_chat(open_screen, read, model, talker) -> None:
    agent = agents.create(name="Support", model=model.id, system="Be kind.", starters=["Where is my order?"])
    app = open_screen("agents")
    assert f"talk_{agent.id}" in keys(app)
    app = open_screen("chat", model=agent.id)
    assert f"max_tokens_new_{agent.id}" not in keys(app), "its settings are its own"
    app.button(key="starter_0").click().run()
    read(app)
    found = opened(app)
    assert (found.agent_id, found.turns[1].agent_version) == (agent.id, 1)
    assert [message["content"] for message in talker.asked[0]] == ["Be kind.", "Where is my order?"]
    assert in_address(app, "model") == agent.id
    again = open_screen("chat", conversation=found.id)
    assert again.selectbox(key=f"model_{found.id}").value == agent.id
    agents.delete(agent.id, "Support")
    read(open_screen("chat", conversation=found.id))


def _dialog(kind: str, model_id: str) -> None:
    """AppTest cannot press a button in a dialog that a click opened, so the dialogs are drawn alone."""
    from core.services.training import models
    from pages.training._models import agents

    model = models.get_model(model_id)
    if kind == "deploy":
        agents.deploy_dialog(model)
    else:
        agents.move_dialog(model, ["Support"])


def drawn(kind: str, model: ModelRecord) -> AppTest:
    """A dialog on the screen of a model."""
    return AppTest.from_function(_dialog, default_timeout=60, kwargs={"kind": kind, "model_id": model.id}).run()


def test_a_model_is_deployed_to_agents_and_moved_off(open_screen, read, model, tmp_path: Path) -> None:
    second = tuned(tmp_path / "second", "Second")
    agent = agents.create(name="Support", model=model.id)
    assert "deploy_to_agents" in keys(open_screen("models", id=second.id))
    app = drawn("deploy", second)
    app.text_area(key="deploy_reason").set_value("Better on tickets.")
    app.button(key="deploy_now").click().run()
    version = agents.get_agent(agent.id).version
    assert (version.model_id, version.note) == (second.id, "“Second” deployed. Better on tickets.")
    agents.update(agent.id, fallback=model.id)
    assert {"move_agents", f"model_agent_{agent.id}"} <= keys(open_screen("models", id=second.id))
    drawn("move", second).button(key="move_now").click().run()
    assert agents.get_agent(agent.id).version.model_id == model.id
    assert models.archive([second.id]) == 1


def test_a_second_model_that_is_the_fallback_too_is_one_row(open_screen, read, model, tmp_path: Path) -> None:
    second = tuned(tmp_path / "second", "Second").id
    agent = agents.create(name="Support", model=model.id, fallback=second, split=(second, 0.2))
    app = open_screen("agents", id=agent.id)
    read(app)
    shown = part(app, f"agent_model_{second}")
    assert "20% of the conversations; fallback, when another cannot answer" in shown
