"""Analytics: figures by model, agent and day against hand-made turns; gaps against a model's examples."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import numpy as np
import pytest

from core.ids import new_id
from core.platform.db.tables import ChatConversation, ChatTurn, Correction, Feedback
from core.platform.db.uow import UnitOfWork
from core.services.serving import analytics
from core.services.serving.analytics import GapsResult
from core.services.serving.analytics.usage import _usage
from tests.support import evaluations as planted
from tests.support.talking import tuned
from worker.run import execute

DAY = 86_400


@pytest.fixture(autouse=True)
def fresh(studio_env: Path) -> None:
    _usage.cache_clear()


def talk(model: str, *, agent: str = "", days_ago: float = 0, asked: str = "Hello?", **values: object) -> str:
    """One input and its answer; returns the id of the answer's turn."""
    at = time.time() - days_ago * DAY
    conversation, turn = new_id("conv"), new_id("turn")
    answer = {"state": "complete", "seconds": 1.0, "prompt_tokens": 10, "completion_tokens": 20} | values
    with UnitOfWork() as uow:
        uow.session.add(ChatConversation(id=conversation, title=asked, agent_id=agent))
        uow.session.flush()
        common = {"conversation_id": conversation, "created_at": at}
        uow.session.add(ChatTurn(id=new_id("turn"), position=0, role="user", content=asked, **common))
        answer |= {"model_id": model, "model_name": model.upper(), "agent_id": agent, "content": "Yes."}
        uow.session.add(ChatTurn(id=turn, position=1, role="assistant", **common, **answer))
        uow.commit()
    return turn


def rate(turn: str, model: str, **values: object) -> None:
    with UnitOfWork() as uow:
        uow.session.add(Feedback(id=new_id("fb"), turn_id=turn, conversation_id="c", model_id=model, **values))
        uow.commit()


def test_figures_by_model_agent_and_day() -> None:
    seconds = [float(n) for n in range(1, 21)]
    for one in seconds:
        talk("m1", agent="a1", seconds=one)
    talk("m1", state="failed", seconds=99.0, days_ago=1)
    turn = talk("m2", days_ago=40)
    rate(turn, "m1", thumb=1, stars=4)
    rate(turn + "x", "m1", thumb=-1, stars=1)
    with UnitOfWork() as uow:
        uow.session.add(Correction(id=new_id("co"), turn_id=turn, conversation_id="c", model_id="m1", agent_id="a1"))
        uow.commit()
    found = analytics.usage(30)
    (one,) = found.models
    assert (one.key, one.name, one.requests, one.failed) == ("m1", "M1", 21, 1)
    assert one.median_s == pytest.approx(np.percentile(seconds, 50))
    assert one.p95_s == pytest.approx(np.percentile(seconds, 95)), "a failed answer has no latency"
    assert (one.good, one.bad, one.approval, one.stars, one.corrections) == (1, 1, 0.5, 2.5, 1)
    assert one.tokens == 21 * 30
    assert one.cost_usd is None
    (agent,) = found.agents
    assert (agent.key, agent.name, agent.requests, agent.corrections) == ("a1", "A deleted agent", 20, 1)
    assert [day.requests for day in found.days] == [1, 20]
    assert found.days[0].key < found.days[1].key
    assert found.total.requests == 21
    assert {row.key for row in analytics.usage(None).models} == {"m1", "m2"}


def test_without_any_request_all_figures_are_empty() -> None:
    found = analytics.usage()
    assert (found.total.requests, found.models, found.agents, found.days) == (0, (), (), ())
    assert found.total.median_s is None
    assert found.total.approval is None


def test_what_no_example_resembles_is_found(tmp_path: Path) -> None:
    model = tuned(tmp_path / "one")  # of a garden shop
    for asked in ("What time do you close on Saturday?", "Can I return a spade I bought?"):
        talk(model.id, asked=asked)
    talk(model.id, asked="Solve the integral of x squared dx")
    talk("starter", asked="A base has no examples")
    task = analytics.start_gaps(30)
    assert analytics.start_gaps(30).id == task.id
    assert analytics.newest_gaps() is None
    execute(task.id, "test")
    done = analytics.newest_gaps()
    assert done is not None
    found = GapsResult.of(done)
    assert (found.compared, found.uncovered) == (3, 1)
    (gap,) = found.groups
    ((text, _),) = analytics.questions(gap.turn_ids).values()
    assert "integral" in text
    assert 0 <= found.similarity[gap.turn_ids[0]] < 0.3


def test_versions_of_a_model_are_lines_in_order(tmp_path: Path) -> None:
    first = tuned(tmp_path / "one", "Shop")
    (line,) = analytics.lines()
    assert (line.name, line.metric, [one.model.id for one in line.versions]) == (first.name, "", [first.id])
    assert line.versions[0].examples
    assert line.versions[0].board is None


def test_versions_of_a_model_are_lines_of_a_table(tmp_path: Path) -> None:
    model = tuned(tmp_path / "one", "=Shop")
    planted.measured(model, planted.right, split="train")
    (row,) = csv.DictReader(io.StringIO(analytics.generations_csv(analytics.lines()).decode()))
    assert (row["line"], row["model"], row["version"]) == ("'=Shop", model.id, "1")
    assert row["score"] == ""  # it was asked the examples of its training alone, which no leaderboard ranks
    assert int(row["examples"]) > 0
