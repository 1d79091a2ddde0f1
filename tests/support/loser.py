"""A worker that takes a task, is frozen past its lease, wakes up, and tries to write in every way there is.

`python -m tests.support.loser TASK` prints `held`, waits for a line on stdin, then prints what was refused as JSON.
"""

from __future__ import annotations

import json
import sys

from core.errors import LeaseLost
from core.platform.tasks import store
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.lease import acquire


def main(task_id: str) -> None:
    lease = acquire(task_id, "loser")
    assert lease is not None
    ctx = TaskContext(lease)
    print("held", flush=True)
    sys.stdin.readline()

    def write_row() -> None:
        with ctx.lease.fenced() as uow:
            store.event(uow, task_id, "data", "written by the loser")
            uow.commit()

    attempts = {
        "progress": lambda: ctx.progress(77, "late"),
        "signal": ctx.signal,
        "event": lambda: ctx.event("log", "written by the loser"),
        "saved": lambda: ctx.saved("written by the loser"),
        "fenced": write_row,
        "renew": lease.renew,
        "success": lambda: ctx.finish(Outcome("succeeded")),
        "failure": lambda: ctx.finish(Outcome("failed")),
        "pause": lambda: ctx.finish(Outcome("paused")),
    }
    refused = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except LeaseLost:
            refused.append(name)
    lease.release()
    print(json.dumps({"tried": list(attempts), "refused": refused}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
