"""The list of conversations: found by what was said, filtered by agent, model, date, rating and reason."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.errors import DataError, NotFound
from core.platform.db.tables import CONVERSATIONS, TURNS, ChatConversation, ChatTurn
from core.platform.db.uow import UnitOfWork
from core.services.platform.listing import View
from core.services.serving import feedback
from core.services.serving.recorded import talks
from core.services.serving.recorded.talks import TalksAsked


def fill(count: int = 6) -> None:
    """Conversations of two agents; every third one is a month old."""
    now = time.time()
    with UnitOfWork() as uow:
        for number in range(count):
            at = now - (40 * 86_400 if number % 3 == 2 else number)
            talk = ChatConversation(
                id=f"conv_{number}", title=f"Title {number}", agent_id=f"agent_{number % 2}", model_id="starter",
                updated_at=at, origin="api" if number == 0 else "chat",
            )  # fmt: skip
            uow.execute(CONVERSATIONS.insert(), [talk.model_dump()])
            texts = (("user", f"Where is order {number}?"), ("assistant", f"It arrives on day {number}."))
            for position, (role, text) in enumerate(texts):
                turn = ChatTurn(
                    id=f"turn_{number}_{position}", conversation_id=talk.id, position=position, role=role, content=text,
                    model_id="starter", model_name="Starter", updated_at=at,
                )  # fmt: skip
                uow.execute(TURNS.insert(), [turn.model_dump()])
        uow.commit()


def ids(**view) -> list[str]:
    return [talk.id for talk in talks.look_up(View(**view))[1]]


def test_conversations_are_searched_and_filtered(database: str, studio_env: Path) -> None:
    fill()
    feedback.rate("conv_1", "turn_1_1", thumb=-1, reasons=["incorrect", "too_long"])
    feedback.rate("conv_3", "turn_3_1", thumb=1)
    newest = ids()
    assert set(newest[:4]) == {"conv_0", "conv_1", "conv_3", "conv_4"}
    assert len(newest) == 6
    assert ids(search="ARRIVES day 3") == ["conv_3"]
    assert ids(search="title 4") == ["conv_4"]
    assert ids(search="day order") == [], "all words in one message"
    assert ids(chosen={"agent": "agent_1"}, sort="oldest")[0] == "conv_5"
    assert set(ids(chosen={"when": "older"})) == {"conv_2", "conv_5"}
    assert ids(chosen={"rating": "bad"}) == ids(chosen={"reason": "too_long"}) == ["conv_1"]
    assert ids(chosen={"rating": "good"}) == ["conv_3"]
    assert ids(chosen={"origin": "api"}) == ["conv_0"]
    assert ids(chosen={"reason": "too_long", "agent": "agent_0"}) == []
    found, rows = talks.look_up(View(chosen={"agent": "agent_1"}))
    assert found.counts["reason"] == {"incorrect": 1, "too_long": 1}
    assert found.counts["rating"] == {"bad": 1, "good": 1, "none": 1}
    assert found.counts["agent"] == {"agent_0": 3, "agent_1": 3}
    assert (rows[0].turns, rows[0].agent, rows[0].model) == (2, "A deleted agent", "Starter")


def test_a_list_without_conversations_is_empty(studio_env: Path) -> None:
    found, rows = talks.look_up(View(search="nothing"))
    assert (found.every, found.total, rows) == (0, 0, [])


def test_programs_find_conversations_by_the_same_filters(database: str, studio_env: Path) -> None:
    fill()
    feedback.rate("conv_1", "turn_1_1", thumb=-1, reasons=["incorrect"])
    feedback.rate("conv_3", "turn_3_1", thumb=1)
    month_ago = time.time() - 30 * 86_400

    def found(offset: int = 0, limit: int = 20, **asked) -> list[str]:
        return [one.id for one in talks.find(TalksAsked(**asked), offset, limit)[0]]

    assert found() == ids()
    assert found(offset=1, limit=2) == ids()[1:3]
    assert talks.find(TalksAsked(), 4, 2)[1] == 6
    assert found(search="arrives day 3") == ["conv_3"]
    assert found(agent="agent_1", rating="bad") == found(reason="incorrect") == ["conv_1"]
    assert found(agent="agent_0", reason="incorrect") == found(agent="none") == []
    assert found(origin="api") == ["conv_0"]
    assert set(found(until=month_ago)) == {"conv_2", "conv_5"}
    assert found(since=month_ago, model="starter") == ids()[:4]
    assert talks.find(TalksAsked(origin="api"))[0][0].origin == "api"
    for wrong in ({"rating": "great"}, {"reason": "dull"}, {"origin": "mail"}):
        with pytest.raises(DataError, match="Unknown"):
            found(**wrong)
    for missing in ({"agent": "nobody"}, {"model": "nothing"}):
        with pytest.raises(NotFound, match="does not exist"):
            found(**missing)
