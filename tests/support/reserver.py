"""A process that launches paid work at the same moment as others.

`python -m tests.support.reserver KIND USD WHAT` prints `ready`, waits for a line on stdin, then prints `reserved` or
`refused`.
"""

from __future__ import annotations

import sys

from core.errors import BudgetReached
from core.platform import budgets
from core.platform.db.uow import UnitOfWork


def main(kind: str, usd: str, what: str) -> None:
    with UnitOfWork(write=False):  # the engine is open before the race begins
        pass
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        with UnitOfWork() as uow:
            budgets.reserve(uow, kind, float(usd), what)
            uow.commit()
    except BudgetReached:
        print("refused", flush=True)
    else:
        print("reserved", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
