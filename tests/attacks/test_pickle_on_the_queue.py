"""A message on the queue that is a pickle, or that names another function than the one that runs a task."""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path

from rq import Queue
from rq.serializers import JSONSerializer

from core.platform.redis_server import redis_connection
from core.platform.tasks.announce import queue_name
from tests.attacks.test_foreign_code import Trap
from tests.support import counting
from worker.queues import make_worker


def test_a_worker_neither_unpickles_nor_runs_a_foreign_message(real_redis: None, tmp_path: Path) -> None:
    """Raw pickles in every field that RQ stores, and dotted names; the tasks behind them are done all the same."""
    sprung = tmp_path / "sprung"
    trap = pickle.dumps(Trap(sprung))
    with redis_connection() as redis:
        name = queue_name("cpu")
        for number, data in enumerate(
            (trap, zlib.compress(trap), b"\x80\x05.", b"{", b'["os.system", null, ["id"], {}]')
        ):
            job = f"evil-{number}"
            fields = {"data": data, "created_at": "2026-01-01T00:00:00.000000Z", "meta": trap, "origin": name,
                      "success_callback_name": "os.system", "dependency_ids": "[]", "status": "queued"}  # fmt: skip
            redis.hset(f"rq:job:{job}", mapping=fields)
            redis.rpush(f"rq:queue:{name}", job)
        json_queue = Queue(name, connection=redis, serializer=JSONSerializer)
        for function, args in (
            ("os.system", (f"touch {sprung}",)),
            ("subprocess.check_call", (["touch", str(sprung)],)),
            ("pathlib.Path.touch", (str(sprung),)),
            ("builtins.eval", (f"open({str(sprung)!r}, 'w')",)),
            ("worker.run.run_task", (f"$(touch {sprung})",)),
            ("tests.attacks.test_foreign_code.Trap", (str(sprung),)),
        ):
            json_queue.enqueue_call(function, args=args)
        Queue(name, connection=redis).enqueue_call("os.system", args=(f"touch {sprung}",))  # RQ's own pickles
        task_id = counting.start(until=2)
        make_worker("cpu").work(burst=True, logging_level="CRITICAL")
        assert counting.store.get(task_id).state == "succeeded"
        assert not sprung.exists()
        assert json_queue.get_job_ids() == []
