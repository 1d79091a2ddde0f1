"""What the database chooses for a dataset of feedback is what a plain reading of every vote and correction chooses."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from core.platform.db.tables import CORRECTIONS, FEEDBACK, Correction, Feedback
from core.platform.db.uow import UnitOfWork
from core.services.serving import feedback
from core.serving.feedback import store, usable
from core.serving.feedback.store import Asked

TURNS = 200
ANSWERS = ("It is 7.", "", " \n\t", "Seven.\n")


def fill(chance: random.Random) -> None:
    """Votes and corrections of several people on the answers of two agents."""
    votes: list[dict[str, Any]] = []
    corrections: list[dict[str, Any]] = []
    for turn in range(TURNS):
        snapshot = {
            "title": "", "messages": [{"role": "user", "content": "What?"}], "answer": chance.choice(ANSWERS),
            "model_name": "", "base_model": "", "adapter": "", "template_hash": "", "answered_at": 0.0,
        }  # fmt: skip
        about = {"turn_id": f"t{turn}", "conversation_id": "c", "agent_id": f"agent_{turn % 2}", "snapshot": snapshot}
        for author in chance.sample(("Ann", "Bo", "Di"), chance.randrange(4)):
            at = chance.random()
            thumb, stars = chance.choice((-1, 0, 1, 1)), chance.choice((0, 0, 0, 3, 5))
            made = Feedback(id=f"v{turn}{author}", author=author, thumb=thumb, stars=stars, updated_at=at, **about)
            votes.append(made.model_dump())
        if chance.random() < 0.3:
            state = chance.choice(("new", "accepted", "accepted", "rejected"))
            one = Correction(id=f"c{turn}", proposed="Better.", text="Better.", state=state, **about)
            corrections.append(one.model_dump())
    with UnitOfWork() as uow:
        uow.execute(FEEDBACK.insert(), votes)
        uow.execute(CORRECTIONS.insert(), corrections)
        uow.commit()


def plainly(agent_id: str) -> tuple[list[str], list[str], int]:
    """The ids of the good votes and of the corrections to take, and how many of these are pairs."""
    votes = store.votes(agent_id, limit=10_000)
    corrections = store.corrections(Asked("", agent_id), limit=10_000)
    of_turn = defaultdict(list)
    for vote in votes:
        of_turn[vote.turn_id].append(vote)
    corrected = {one.turn_id for one in corrections}
    good = []
    for turn, cast in of_turn.items():
        bad = any(vote.thumb < 0 or 0 < vote.stars < 4 for vote in cast)
        well = [vote for vote in cast if vote.thumb > 0 or vote.stars >= 4]
        if well and not bad and turn not in corrected and well[0].snapshot.answer.strip():
            good.append(well[0].id)
    accepted = [one for one in corrections if one.state == "accepted"]
    return good, [one.id for one in accepted], sum(bool(one.snapshot.answer.strip()) for one in accepted)


def test_the_database_chooses_the_same_feedback_as_a_plain_reading(database: str, studio_env: Path) -> None:
    fill(random.Random(7))
    for agent_id in ("", "agent_0", "agent_1", "agent_none"):
        good, accepted, pairs = plainly(agent_id)
        assert sorted(vote.id for vote in usable.good_votes(agent_id, "", 10_000)) == sorted(good)
        assert [one.id for one in usable.corrections(agent_id, "", 10_000)] == accepted
        planned = feedback.plan(agent_id)
        assert (planned.good, planned.corrections, planned.pairs) == (len(good), len(accepted), pairs)
    assert len(plainly("")[0]) > 10
