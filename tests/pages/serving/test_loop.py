"""The loop on the page of an agent: what is done is ticked, and the next step's button starts it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.data import datasets
from core.services.platform import tasks
from core.services.serving import agents, conversations, feedback
from core.services.serving.agents import AgentRecord
from core.services.serving.conversations import AnswerChoice
from core.services.training import models
from tests.pages.conftest import keys
from tests.support.talking import finished, talking, tuned


@pytest.fixture
def agent(studio_env: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AgentRecord]:
    with talking(monkeypatch):
        found = agents.create(name="Support", model=tuned(tmp_path / "adapter").id)
        chat = conversations.new_conversation_id()
        choice = AnswerChoice(found.version.model_id, agent_id=found.id)
        conversations.send(chat, "How do refunds work?", choice)
        one = feedback.correct(chat, finished(chat).last_id, "Within 30 days.")
        feedback.decide(one.id, "accepted")
        yield found


def test_each_step_is_ticked_and_the_next_one_can_be_started(open_screen, read, agent: AgentRecord) -> None:
    app = open_screen("agents", id=agent.id)
    read(app)
    assert {"loop_corrections_done", "loop_dataset_open", "loop_deploy_open"} <= keys(app)
    assert "loop_go_retrain" not in keys(app)
    feedback.make_dataset("Corrections", agent_id=agent.id)
    app = open_screen("agents", id=agent.id)
    assert {"loop_dataset_done", "loop_mix_open", "loop_go_mix"} <= keys(app)
    read(app.button(key="loop_go_mix").click().run())


def _mix(agent_id: str) -> None:
    from core.services.serving import agents, loop
    from pages.serving._agents import loop as card

    card.mix(loop.of_agent(agents.get_agent(agent_id)))


def test_the_mix_is_prefilled_with_corrections_first(open_screen, agent: AgentRecord) -> None:
    """AppTest cannot press a button in a dialog that a click opened."""
    made = feedback.make_dataset("Corrections", agent_id=agent.id)
    dialog = AppTest.from_function(_mix, args=(agent.id,)).run()
    dialog.text_input(key="loop_name").set_value("Next data").run()
    dialog.button(key="loop_mix_now").click().run()
    (task,) = [one for one in tasks.list_tasks() if one.kind == "mix"]
    parent = models.get_model(agent.version.model_id)
    versions = [made.version_id, datasets.get_dataset(parent.dataset_id).version.id]
    assert [part["version_id"] for part in task.payload["parts"]] == versions
    assert (task.payload["distinct"], task.payload["name"]) == (True, "Next data")


def test_the_feedback_of_one_agent_is_a_link_away(open_screen, read, agent: AgentRecord) -> None:
    app = open_screen("feedback", agent=agent.id, show="accepted")
    assert "review_accepted" in keys(app)
    other = agents.create(name="Other", model=agent.version.model_id)
    app = open_screen("feedback", agent=other.id, show="accepted")
    read(app)
    assert "review_empty" in keys(app)
