"""Processes that launch paid work at the same moment.

`python -m tests.support.reserver KIND USD COUNT` prints `ready` for each of them, waits for the end of stdin, then
prints `reserved` or `refused` for each.
"""

from __future__ import annotations

import os
import sys

from core.errors import BudgetReached
from core.platform import budgets
from core.platform.db.uow import UnitOfWork


def main(kind: str, usd: str, count: str) -> None:
    for number in range(int(count)):
        if os.fork() == 0:
            launch(kind, float(usd), f"task_{number}")
            return
    for _ in range(int(count)):
        os.wait()


def launch(kind: str, usd: float, what: str) -> None:
    with UnitOfWork(write=False):  # the engine is open before the race begins
        pass
    os.write(1, b"ready\n")  # in one piece: `print` writes the end of a line apart
    sys.stdin.read()
    try:
        with UnitOfWork() as uow:
            budgets.reserve(uow, kind, usd, what)
            uow.commit()
    except BudgetReached:
        os.write(1, b"refused\n")
    else:
        os.write(1, b"reserved\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
