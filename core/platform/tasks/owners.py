"""The owner of a lease. The name says where its process runs, so that its death is seen at once on the same machine.

A worker is called `gpu-<host>.<pid namespace>-<pid>-<random>`, the process that works under it `<worker>:<pid>`.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import replace

from sqlalchemy import select

from core.platform.db.engine import db_now
from core.platform.db.tables import TASKS
from core.platform.db.uow import read
from core.platform.processes import is_alive
from core.platform.tasks.records import TaskRecord

_OWNER = re.compile(r"[^-:]*+-(?P<place>[^:]+)-(?P<worker>\d+)-[0-9a-f]+:(?P<work_process>\d+)")


def place() -> str:
    """This machine and its process namespace: two containers may share a host name, but not their process ids."""
    try:
        namespace = f"{os.stat('/proc/self/ns/pid').st_ino:x}"
    except OSError:  # not Linux: process ids belong to the machine
        namespace = "0"
    return f"{socket.gethostname()}.{namespace}"


def worker_name(queue: str) -> str:
    """The name of this process as a worker of a queue (gpu, cpu or io)."""
    return f"{queue}-{place()}-{os.getpid()}-{os.urandom(2).hex()}"


def seen(task: TaskRecord) -> TaskRecord:
    """The task as it is: without an owner where the row still names a process that died together with its worker.

    The row itself is corrected by the next reconciler (`core.platform.tasks.recovery`); while none runs, the task would
    otherwise seem to be worked on for ever.
    """
    return replace(task, lease_owner=None) if task.lease_owner and is_gone(task.lease_owner) else task


def holds_lease(worker_pid: int) -> bool:
    """Whether a worker of this machine, or the process that works under it, has a lease that has not expired."""
    query = select(TASKS.c.lease_owner).where(TASKS.c.lease_owner.is_not(None), TASKS.c.lease_expires_at > db_now())
    matches = [_OWNER.fullmatch(owner) for (owner,) in read(query)]
    return any(match and match["place"] == place() and int(match["worker"]) == worker_pid for match in matches)


def is_gone(owner: str) -> bool:
    """Whether an owner on this machine died together with the worker that would have noticed.

    False for an owner on another machine, and while the worker lives: it frees the lease itself and knows the cause.
    """
    match = _OWNER.fullmatch(owner)
    if match is None or match["place"] != place():
        return False
    return not is_alive(int(match["worker"])) and not is_alive(int(match["work_process"]))
