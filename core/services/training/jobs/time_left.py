"""How long the steps of a running job will still take, by the clock: with the validations and checkpoints between them.

The speed of the last step alone would jump with every validation, and with every step on a busy machine.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Final

from sqlalchemy import select

from core.platform.db.tables import POINTS
from core.platform.db.uow import read
from core.services.platform import tasks
from core.services.training import starter
from core.services.training.jobs.records import JobRecord
from core.training.forecast.rough import STARTER_S, slowness

SHARE_TO_TRUST: Final = 25.0  # percent of a task from which its pace says something
POINTS_READ: Final = 400  # the newest ones
FEWEST: Final = 4  # points whose pace says something
_BETWEEN: Final = 3.0  # a gap of more usual steps contains a validation, a checkpoint or sample answers
_PAUSE_S, _PAUSE_STEPS = 60.0, 20.0  # one that is longer than this many seconds and steps is an interruption

Moment = tuple[int, float]  # a step and when it ended


def of_job(job_id: str, total_steps: int, newest_point: int) -> float | None:
    """Seconds until the last step of a running job; None before a few steps were made.

    Args:
        newest_point: the id of its newest training point: until there is another one, every screen that asks gets the
            same pace.
    """
    known = _pace(job_id, total_steps, newest_point)
    return None if known is None else known.after(time.time())


@dataclass(frozen=True, slots=True)
class FirstTask:
    """The task that a waiting job needs first, such as building its base; `left_s` is None while that is not known."""

    title: str
    progress: float
    left_s: float | None


def first_task(job: JobRecord) -> FirstTask | None:
    """What has to end before a pending job can begin; None where it waits for nothing but a worker."""
    needed = tasks.get_task(job.task_id).after_task_id if job.state == "pending" else None
    if needed is None:
        return None
    task = tasks.get_task(needed)
    if task.state == "succeeded":
        return None
    left = None
    if task.state == "running" and task.duration_s and task.progress >= SHARE_TO_TRUST:
        left = task.duration_s * (100 - task.progress) / task.progress
    elif task.kind == starter.KIND and task.state in ("pending", "running"):
        left = STARTER_S * slowness() * (1 - task.progress / 100)
    return FirstTask(task.title, task.progress, left)


@lru_cache(maxsize=256)
def _pace(job_id: str, total_steps: int, newest_point: int) -> TimeLeft | None:
    query = select(POINTS.c.step, POINTS.c.created_at).where(POINTS.c.job_id == job_id, POINTS.c.split == "train")
    rows = read(query.order_by(POINTS.c.id.desc()).limit(POINTS_READ))
    return time_left([(row.step, row.created_at) for row in reversed(rows)], total_steps)


def time_left(moments: Sequence[Moment], total_steps: int) -> TimeLeft | None:
    """The steps to come at the pace of the newer half of those that were made, and what comes between them as often as
    so far."""
    gaps = [_Gap(b[0], b[0] - a[0], b[1] - a[1]) for a, b in pairwise(moments) if b[0] > a[0]]
    if len(gaps) < FEWEST - 1:
        return None
    usual = median(gap.pace for gap in gaps)
    last, at = moments[-1]
    plain = [gap for gap in gaps if gap.pace <= _BETWEEN * usual]
    newer = [gap for gap in plain if gap.step > last // 2] or plain
    pace = sum(gap.seconds for gap in newer) / sum(gap.steps for gap in newer)
    longest = max(_PAUSE_S, _PAUSE_STEPS * usual)
    between = [gap for gap in gaps if gap.pace > _BETWEEN * usual and gap.seconds <= longest]
    left = (total_steps - last) * pace
    if between:
        done = between[-1].step - moments[0][0]
        extra = sum(gap.seconds - pace * gap.steps for gap in between)
        left += (total_steps - between[-1].step) * max(0.0, extra) / max(1, done)
    return TimeLeft(left, at)


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The seconds that were left when the last step ended, and when that was."""

    seconds: float
    at: float

    def after(self, now: float) -> float:
        """What is left of them."""
        return max(0.0, self.seconds - max(0.0, now - self.at))


@dataclass(frozen=True, slots=True)
class _Gap:
    """From one point to the next: the step at its end, its steps and its seconds."""

    step: int
    steps: int
    seconds: float

    @property
    def pace(self) -> float:
        return self.seconds / self.steps
