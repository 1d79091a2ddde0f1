"""Lists and searches over 100,000 stored turns: `python -m bench.conversations` (DATABASE_URL for PostgreSQL).

Writes into an empty data directory, which SFT_DATA_DIR names.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any, Final

from core.platform.db import migrate
from core.platform.db.tables import CONVERSATIONS, FEEDBACK, TURNS, ChatConversation, ChatTurn, Feedback
from core.platform.db.uow import UnitOfWork, read
from core.services.platform.listing import View
from core.services.serving import agents, conversations
from core.services.serving.analytics.usage import _usage, usage
from core.services.serving.recorded import talks

TALKS: Final = 25_000
TURNS_EACH: Final = 4
BLOCK: Final = 1_000
_WORDS: Final = (  # noqa: SIM905  it reads better
    "refund order parcel printer invoice address late broken please when how the my is not working account password "
    "delivery number policy garden plant water tomato seed"
).split()


def fill() -> None:
    """Store the conversations, unless there are some."""
    if read(CONVERSATIONS.select().limit(1)):
        return
    chance, now = random.Random(1), time.time()
    for first in range(0, TALKS, BLOCK):
        rows: dict[str, list[dict[str, Any]]] = {"talks": [], "turns": [], "votes": []}
        for number in range(first, first + BLOCK):
            _add(rows, number, chance, now)
        with UnitOfWork() as uow:
            uow.execute(CONVERSATIONS.insert(), rows["talks"])
            uow.execute(TURNS.insert(), rows["turns"])
            uow.execute(FEEDBACK.insert(), rows["votes"])
            uow.commit()


def _add(rows: dict[str, list[dict[str, Any]]], number: int, chance: random.Random, now: float) -> None:
    def text(words: int) -> str:
        return " ".join(chance.choice(_WORDS) for _ in range(words))

    talk_id, at = f"conv_{number:06d}", now - chance.random() * 90 * 86_400
    agent, model = f"agent_{number % 12}", f"fm_{number % 9}"
    talk = ChatConversation(id=talk_id, title=text(7), agent_id=agent, model_id=model, updated_at=at, created_at=at)
    rows["talks"].append(talk.model_dump())
    for position in range(TURNS_EACH):
        answers = position % 2 == 1
        turn = ChatTurn(
            id=f"turn_{number}_{position}", conversation_id=talk_id, position=position, content=text(45), updated_at=at,
            role="assistant" if answers else "user", model_id=model if answers else "",
            agent_id=agent if answers else "", seconds=1.0,
        )  # fmt: skip
        rows["turns"].append(turn.model_dump())
    if number % 10 == 0:
        vote = Feedback(id=f"vote_{number}", turn_id=f"turn_{number}_1", conversation_id=talk_id, thumb=-1, author="")
        rows["votes"].append({**vote.model_dump(), "reasons": ["incorrect"], "snapshot": {}})


def measure(name: str, call: Callable[[], object]) -> None:
    """Print the quickest of three calls, none of which finds what an earlier one kept."""
    times = []
    for _ in range(3):
        _usage.cache_clear()
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    print(f"{name:28} {min(times):.3f} s")


def main() -> None:
    print(f"load average: {os.getloadavg()[0]:.1f}")
    migrate.upgrade()
    fill()
    views = {
        "first page": View(),
        "last page": View(page=10_000),
        "search for a common word": View(search="refund"),
        "search for two words": View(search="tomato invoice"),
        "search without a result": View(search="zebra"),
        "agent and rating": View(chosen={"agent": "agent_0", "rating": "bad"}),
        "reason": View(chosen={"reason": "incorrect"}),
    }
    for name, view in views.items():
        measure(name, lambda view=view: talks.look_up(view))  # type: ignore[misc]
    measure("figures of 12 agents", lambda: agents.figures([f"agent_{number}" for number in range(12)]))
    measure("analytics of 30 days", lambda: usage(30))
    measure("analytics of all time", lambda: usage(None))
    measure("list beside Chat", lambda: conversations.list_conversations("refund", 0, 12))


if __name__ == "__main__":
    main()
