"""The plan and the dataset of 25,000 votes and 5,000 corrections, in CPU seconds: `python -m bench.feedback`.

Writes into an empty data directory, which SFT_DATA_DIR names (DATABASE_URL for PostgreSQL).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any, Final

from core.platform.db import migrate
from core.platform.db.tables import CORRECTIONS, FEEDBACK, Correction, Feedback
from core.platform.db.uow import UnitOfWork, read
from core.services.serving import feedback

VOTES: Final = 25_000
CORRECTED: Final = 5  # every so many votes, a correction; half of them are accepted
BLOCK: Final = 1_000
AGENT: Final = "agent_0"


def fill() -> None:
    """Store votes and corrections, unless there are some."""
    if read(FEEDBACK.select().limit(1)):
        return
    chance = random.Random(1)
    for first in range(0, VOTES, BLOCK):
        votes, corrections = [], []
        for number in range(first, first + BLOCK):
            about = _about(number, chance)
            good = number % 4 == 0
            reasons = ["correct"] if good else ["incorrect"]
            vote = Feedback(id=f"vote_{number}", thumb=1 if good else -1, reasons=reasons, author="", **about)
            votes.append(vote.model_dump())
            if number % CORRECTED == 1:
                state = "accepted" if number // CORRECTED % 4 < 2 else "new"
                text = _text(chance, 40)
                one = Correction(id=f"corr_{number}", author="", proposed=text, text=text, state=state, **about)
                corrections.append(one.model_dump())
        with UnitOfWork() as uow:
            uow.execute(FEEDBACK.insert(), votes)
            uow.execute(CORRECTIONS.insert(), corrections)
            uow.commit()


def _about(number: int, chance: random.Random) -> dict[str, Any]:
    snapshot = {
        "title": _text(chance, 6),
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": _text(chance, 60)}],
        "answer": _text(chance, 60),
        "model_name": "Help desk",
        "base_model": "starter",
        "adapter": "",
        "template_hash": "",
        "answered_at": 0.0,
    }
    named = {"conversation_id": f"conv_{number}", "agent_id": f"agent_{number % 2}", "model_id": "starter"}
    return {"turn_id": f"turn_{number}", **named, "snapshot": snapshot}


def _text(chance: random.Random, words: int) -> str:
    return " ".join(f"word{chance.randrange(500)}" for _ in range(words))


def measure(name: str, call: Callable[[], object]) -> None:
    """Print the processor time of one call in this process, and how long it took."""
    began, cpu = time.perf_counter(), time.process_time()
    call()
    print(f"{name:32} {time.process_time() - cpu:6.2f} CPU s {time.perf_counter() - began:8.2f} s")


def main() -> None:
    print(f"load average: {os.getloadavg()[0]:.1f}")
    migrate.upgrade()
    fill()
    measure("first query", lambda: feedback.tally())
    measure("plan, all answers", lambda: feedback.plan())
    measure("plan, one agent", lambda: feedback.plan(AGENT))
    measure("dataset of an agent", lambda: feedback.make_dataset("Of an agent", agent_id=AGENT, good=False))
    measure("dataset with good answers", lambda: feedback.make_dataset("With good answers", good=True))


if __name__ == "__main__":
    main()
