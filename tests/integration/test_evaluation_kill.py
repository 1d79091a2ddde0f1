"""An evaluation in a real worker process: kill -9 in the middle, and no stored answer is asked for again."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

from core.platform.tasks import store as task_store
from core.services.platform import tasks
from core.services.serving import evaluating
from core.serving.evaluations import store
from tests.support import evaluations as planted, smart as helper
from tests.support.llm_server import LlmServer, Paced, Reply, Request, llm_server
from tests.support.servers import wait_until
from tests.support.studio import LIMIT_S, Studio, horse_of, is_gone, wait_state

EXAMPLES, AT_ONCE = 30, 3


def colors(request: Request) -> Reply:
    number = int(asked(request).split()[-1].rstrip("?"))
    return Reply(("red", "green", "blue")[number % 3] if number % 2 else "no idea")


def asked(request: Request) -> str:
    return str(request.body["messages"][-1]["content"])


def counts(server: LlmServer) -> Counter[str]:
    return Counter(map(asked, server.chats))


def test_a_killed_evaluation_continues_without_asking_twice(studio: Studio, studio_env: Path) -> None:
    data = planted.dataset(10 + EXAMPLES)
    studio.worker("gpu")
    pace = Paced(colors, LIMIT_S)
    with llm_server(pace) as server:
        helper.connect(server.url, name="Elsewhere", settings={"concurrency": AT_ONCE})
        begun = evaluating.start(["Elsewhere/tiny-1"], data.version.id)
        settled: dict[str, int] = {}
        for at_least in (4, 12):
            pace.allow(len(server.chats) + 8)
            wait_until(
                lambda at_least=at_least: len(store.answers(begun.id)) >= at_least,
                LIMIT_S,
                f"{at_least} answers of {task_store.get(begun.task_id)}",
            )
            horse = horse_of(begun.task_id)
            os.kill(horse, signal.SIGKILL)
            wait_until(lambda horse=horse: is_gone(horse), LIMIT_S, "the end of the killed process")
            before = counts(server)
            stored = {f"Color of thing {answer.position}?" for answer in store.answers(begun.id)}
            settled |= {text: before[text] for text in stored if text not in settled}
        pace.allow()
        wait_state(begun.task_id, "succeeded")
        after = counts(server)
    again = sum(after.values()) - EXAMPLES
    events = [event.message for event in tasks.events(begun.task_id) if "sent again" in event.message]
    assert sum(int(text.split()[0]) for text in events) == again
    keys = {(asked(request), request.headers["idempotency-key"]) for request in server.chats}
    assert len(keys) == len({key for _, key in keys}) == EXAMPLES, "a question has the same key each time"
    assert len(settled) >= 12
    assert {text: after[text] for text in settled} == settled  # what is stored was never asked for again
    assert sum(count > 1 for count in after.values()) <= 2 * AT_ONCE  # only answers that were under way at a kill
    answers = store.answers(begun.id)
    assert sorted(answer.position for answer in answers) == list(range(10, 10 + EXAMPLES))
    done = evaluating.get(begun.id)
    assert done.summary is not None
    score = done.summary.models[0].score("label_accuracy")
    assert score is not None
    assert (score.right, score.total) == (EXAMPLES // 2, EXAMPLES)
