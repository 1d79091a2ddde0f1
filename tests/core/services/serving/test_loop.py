"""The loop of an agent: each step is ticked by what exists, up to the next model that answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Conflict
from core.platform.db.tables import Evaluation, ModelVerdict
from core.platform.db.uow import UnitOfWork
from core.services.data import datasets
from core.services.data.datasets import edits
from core.services.serving import agents, conversations, feedback, loop
from core.services.serving.agents import AgentRecord
from core.services.serving.conversations import AnswerChoice
from core.services.training import jobs, models
from core.serving.evaluations.records import Summary
from tests.support import runs
from tests.support.talking import finished, talking, tuned
from worker.run import execute


@pytest.fixture
def agent(studio_env: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AgentRecord]:
    with talking(monkeypatch):
        model = tuned(tmp_path / "adapter")
        yield agents.create(name="Support", model=model.id)


def ticked(agent: AgentRecord) -> list[str]:
    return [step.id for step in loop.of_agent(agents.get_agent(agent.id)).steps if step.state == "done"]


def corrected(agent: AgentRecord, question: str) -> str:
    chat = conversations.new_conversation_id()
    conversations.send(chat, question, AnswerChoice(agent.version.model_id, agent_id=agent.id))
    answer = finished(chat).last_id
    return feedback.correct(chat, answer, f"The right answer to {question}").id


def test_one_round_from_corrections_to_the_next_model(agent: AgentRecord, tmp_path: Path) -> None:
    parent = models.get_model(agent.version.model_id)
    assert ticked(agent) == []
    with pytest.raises(Conflict):
        loop.retrain(loop.of_agent(agent))
    first = corrected(agent, "How do refunds work?")
    assert loop.of_agent(agent).step("corrections").detail == "0 accepted, 1 to review"
    feedback.decide(first, "accepted")
    assert ticked(agent) == ["corrections"]
    made = feedback.make_dataset("Corrections", agent_id=agent.id, model_id=parent.id)
    now = loop.of_agent(agent)
    assert (ticked(agent), now.dataset, now.mixed) == (["corrections", "dataset"], made.dataset_id, "")
    own = datasets.get_dataset(parent.dataset_id)
    parts = [(made.version_id, 2.0), (own.version.id, 1.0)]
    ended = execute(edits.mix("Both", parts, distinct=True).id, "test")
    assert ended is not None
    now = loop.of_agent(agent)
    assert (ticked(agent)[-1], now.mixed) == ("mix", ended.result["dataset_id"])

    draft = loop.retrain(now)
    assert draft.state["parent_job_id"] == parent.job_id
    assert draft.state["dataset_id"] == now.mixed
    assert draft.state["method"] == parent.method
    state = {**draft.state, "name": "Support - Starter - v2"}
    job = runs.ready(jobs.create(**state, draft_key=None))
    assert loop.of_agent(agent).step("retrain").state == "running"
    model = runs.succeed(job, tmp_path / "adapter")
    now = loop.of_agent(agent)
    assert (ticked(agent)[-1], now.candidate) == ("retrain", model.id)

    _judge(model.id, parent.id)
    assert ticked(agent)[-2:] == ["evaluate", "verdict"]
    assert loop.of_agent(agent).step("verdict").detail == "Ship"
    agents.deploy(model.id, [agent.id])
    now = loop.of_agent(agents.get_agent(agent.id))
    assert (now.parent, now.done, now.following) == (parent.id, 7, None)
    found = loop.generations(agents.get_agent(agent.id))
    assert [(one.model_id, one.since, one.answers_now) for one in found] == [(parent.id, 1, False), (model.id, 2, True)]

    corrected(agent, "And now?")  # of the new model: the next round begins
    now = loop.of_agent(agents.get_agent(agent.id))
    assert (now.parent, now.done) == (model.id, 0)


def test_more_corrections_open_the_mix_again(agent: AgentRecord) -> None:
    model_id = agent.version.model_id
    own = datasets.get_dataset(models.get_model(model_id).dataset_id)
    feedback.decide(corrected(agent, "One?"), "accepted")
    made = feedback.make_dataset("Corrections", agent_id=agent.id, model_id=model_id)
    execute(edits.mix("Both", [(made.version_id, 1.0), (own.version.id, 1.0)]).id, "test")
    assert ticked(agent) == ["corrections", "dataset", "mix"]
    feedback.decide(corrected(agent, "Two?"), "accepted")
    assert "1 correction not in it yet" in loop.of_agent(agent).step("dataset").detail
    feedback.make_dataset(agent_id=agent.id, model_id=model_id, dataset_id=made.dataset_id)
    assert ticked(agent) == ["corrections", "dataset"]


def test_a_model_whose_dataset_was_deleted_has_nothing_to_mix(agent: AgentRecord) -> None:
    parent = models.get_model(agent.version.model_id)
    feedback.decide(corrected(agent, "One?"), "accepted")
    feedback.make_dataset("Corrections", agent_id=agent.id)
    datasets.delete(parent.dataset_id, parent.dataset_name)
    now = loop.of_agent(agent)
    assert ticked(agent) == ["corrections", "dataset", "mix"]
    assert now.mixed == now.dataset


def _judge(candidate: str, parent: str) -> None:
    both = [{"id": one, "title": one, "kind": "tuned"} for one in (candidate, parent)]
    with UnitOfWork() as uow:
        row = Evaluation(id="eval_1", name="Both", models=both, summary=Summary("exact_match", ()).to_dict())
        uow.session.add(row)
        uow.session.add(
            ModelVerdict(
                id="verdict_1", candidate_id=candidate, parent_id=parent, evaluation_id="eval_1", decision="ship"
            )
        )
        uow.commit()
