"""The lease: which worker may write to a task, independent of the task's state.

A lease has an owner, an expiry by the database's clock, and an epoch that grows with every acquisition. Every write of
a worker happens inside `Lease.fenced()`, which first locks the row and checks owner and epoch: a worker that was frozen
past its expiry and replaced can wake up and try, but its writes are refused.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import exists, or_, select, update

from core.errors import LeaseLost
from core.platform.db import patience
from core.platform.db.engine import db_now
from core.platform.db.tables import TASKS
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.states import WORKABLE
from core.settings import get_settings

MAX_ALLOWANCE_S = 3600.0  # a step that took longer than this means that the machine slept


class FencedUnitOfWork(UnitOfWork):
    """A unit of work that opens only while the lease is held, and locks the task's row until it ends.

    Raises:
        LeaseLost: on entering; nothing was written. DatabaseUnavailable: as `UnitOfWork`.
    """

    def __init__(self, lease: Lease) -> None:
        super().__init__(write=True)
        self._lease = lease

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            if self.execute(select(TASKS.c.id).where(self._lease.held).with_for_update()).first() is None:
                raise self._lease.lost()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self


@dataclass
class Lease:
    """One acquisition of a task by one worker.

    Args:
        allowance_s: how long it lasts from each renewal; grows with the longest step seen.
        quiet_until: until when (monotonic clock) a silence was announced; renewals before that outlast it.
    """

    task_id: str
    owner: str
    epoch: int
    allowance_s: float
    quiet_until: float = 0.0

    @property
    def held(self) -> Any:
        """The condition under which this worker may still write."""
        return (TASKS.c.id == self.task_id) & (TASKS.c.lease_owner == self.owner) & (TASKS.c.lease_epoch == self.epoch)

    def lost(self) -> LeaseLost:
        return LeaseLost(f"Task {self.task_id} belongs to another worker now; nothing was written.")

    def fenced(self) -> FencedUnitOfWork:
        """A unit of work for this worker's writes; raises LeaseLost once the lease expired."""
        return FencedUnitOfWork(self)

    def write(self, **values: Any) -> None:
        """Set columns of the task's row and renew the lease, in one statement.

        Raises:
            LeaseLost: the lease expired; nothing was written. DatabaseUnavailable: for as long as it is waited for.
        """

        def changed() -> int:
            lasts_s = self.allowance_s + max(self.quiet_until - time.monotonic(), 0.0)
            lease = {"lease_expires_at": db_now() + lasts_s, "lease_allowance_s": self.allowance_s}
            with UnitOfWork() as uow:
                count = uow.execute(update(TASKS).where(self.held).values(values | lease)).rowcount
                uow.commit()
            return count

        if patience.keep_trying(changed) != 1:
            raise self.lost()

    def renew(self) -> None:
        """Extend the lease from now, by the database's clock. Raises LeaseLost."""
        self.write()

    def saw_step(self, step_s: float) -> None:
        """Extend the lease to three times a step of this length; it never shrinks."""
        self.allowance_s = max(self.allowance_s, min(3 * step_s, MAX_ALLOWANCE_S))

    def release(self) -> None:
        """Release the task: its state stays, and the next worker resumes it. Does nothing if the lease is lost."""
        with UnitOfWork() as uow:
            self.free(uow)
            uow.commit()

    def wait(self, uow: UnitOfWork, again_in_s: float, seen: str) -> None:
        """Release the task as part of a transaction: its state stays, and the next worker takes it after this time.

        Args:
            seen: the command that this worker obeyed; another one is not delayed.
        """
        commanded = store.get_in(uow, self.task_id, lock=True).command
        freed = {
            "lease_owner": None,
            "lease_expires_at": None,
            "announced_at": None,
            "crashes": 0,
            "not_before": db_now() + (again_in_s if commanded == seen else 0.0),
            "updated_at": time.time(),
        }
        if uow.execute(update(TASKS).where(self.held).values(freed)).rowcount != 1:
            raise self.lost()

    def free(self, uow: UnitOfWork) -> None:
        """`release` as part of a transaction."""
        free = update(TASKS).where(self.held).values(lease_owner=None, lease_expires_at=None, updated_at=time.time())
        uow.execute(free)


def acquire(task_id: str, owner: str, *, first_state: str = "running") -> Lease | None:
    """Take the task; None when another worker holds it, it needs no work, it is not due, or its dependency is not done.

    One UPDATE decides: of two workers exactly one changes the row. An expired lease is not taken here; the reconciler
    frees it first, because it also counts the crash.

    Args:
        owner: unique to this process, `worker name:pid`.
        first_state: what a pending task becomes: `validating` or `running`.
    """
    needed = TASKS.alias("needed")
    is_free = (TASKS.c.id == task_id) & TASKS.c.state.in_(WORKABLE) & TASKS.c.lease_owner.is_(None) & store.is_due()
    may_start = or_(
        TASKS.c.after_task_id.is_(None),
        exists(select(needed.c.id).where(needed.c.id == TASKS.c.after_task_id, needed.c.state == "succeeded")),
    )
    with UnitOfWork() as uow:
        before = store.get_in(uow, task_id, lock=True)
        lease_s = max(get_settings().lease_s, before.lease_allowance_s)
        take = {
            "lease_owner": owner,
            "lease_epoch": TASKS.c.lease_epoch + 1,
            "lease_expires_at": db_now() + lease_s,
            "lease_allowance_s": lease_s,
            "not_before": None,
        }
        if uow.execute(update(TASKS).where(is_free, may_start).values(take)).rowcount != 1:
            return None
        task = store.get_in(uow, task_id)
        if task.state == "pending":
            store.move(uow, task_id, first_state, epoch=task.lease_epoch)
        elif before.not_before is None:  # not the next of its planned visits
            store.event(uow, task_id, "recovery", "Resumed by a worker.", data={"epoch": task.lease_epoch})
        uow.commit()
    return Lease(task_id, owner, task.lease_epoch, lease_s)
