"""How long a demo takes on this machine, and how much of it is left.

A part that ran here before takes as long as it did then; the training as its forecast says, where its speed was
measured. What never ran here takes the time of a reference machine, scaled by what this processor can do; a running
step is then corrected by its own pace.

A countdown shows the time to one promised end, so that it follows the clock also while a busy machine makes no
progress.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.models.base_models import resolve
from core.services.learn import demo
from core.services.learn.demo import REAL, SAMPLE, STARTER, DemoRecord, DemoStep
from core.services.platform import drafts, tasks
from core.services.platform.tasks import TaskRecord
from core.services.training import jobs, starter
from core.training.forecast.rough import STARTER_S, slowness

# A demo with the sample tickets on two cores with AVX-512. Measured: `bench/RESULTS.md`.
REFERENCE_STEPS: Final[Mapping[str, int]] = {STARTER: 1440, REAL: 270}
REFERENCE_S: Final[Mapping[str, Mapping[str, float]]] = {
    STARTER: {"starter": STARTER_S, "training": 119.0, "test": 44.0},
    REAL: {"base": 0.0, "training": 404.0, "test": 178.0},
}
_DATASET_S: Final = 2.0
_FIRST_STEP: Final = 20.0  # progress of a job whose steps begin
_PACE_FROM: Final = 0.25  # share of a step from which its own pace counts alone
_SOONER_S: Final = 15.0  # an estimate moves the promised end only if it is this much earlier
_LITTLE_S: Final = 60.0  # a demo that is late gets a new end, unless it is this near to its own


@dataclass(frozen=True, slots=True)
class DemoTime:
    """Seconds of each step of a demo; `measured`: whether each of them ran on this machine before."""

    seconds: Mapping[str, float]
    measured: bool

    @property
    def total_s(self) -> float:
        return sum(self.seconds.values())


def expected(base_model: str = STARTER, sample_id: str = SAMPLE) -> DemoTime:
    """The time of a demo that begins now."""
    return _expected(base_model, sample_id, None)


def left_s(record: DemoRecord) -> float | None:
    """The seconds until a running demo ends; None if it has ended, or if one of its steps does not go on by itself."""
    if record.finished:
        return None
    job = jobs.get_job(record.job_id) if record.job_id else None
    if job and job.state == "paused":
        return None
    parts = _expected(record.base_model, record.sample, job).seconds
    slower = max((_slower(step, parts.get(step.id, 0.0), record) for step in record.steps), default=1.0)
    return sum(
        _left(step, parts.get(step.id, 0.0), job, record) * (slower if step.state == "waiting" else 1.0)
        for step in record.steps
    )


def _slower(step: DemoStep, seconds: float, record: DemoRecord) -> float:
    """How many times as long as expected the running step takes on a busy machine: the next ones will too."""
    share = step.percent / 100
    if step.state != "running" or step.id == "training" or share < _PACE_FROM or not seconds:
        return 1.0
    return max(1.0, (_elapsed(step, record) or 0.0) / (share * seconds))


@dataclass(frozen=True, slots=True)
class Countdown:
    """The seconds to the promised end, 0 or below once it has passed; `late`: an earlier promise was not kept."""

    left_s: float
    late: bool = False


def countdown(record: DemoRecord) -> Countdown | None:
    """The way to the promised end of a running demo, for every screen the same; None as `left_s`.

    The end is promised at the first look and then only moved forward, so that the countdown does not go back. When it
    passes and the demo is far from its end, or when twice the promised rest is left, there is a new one.
    """
    estimate = left_s(record)
    if estimate is None:
        return None
    now, state = time.time(), drafts.get(record.id).state
    ends_at: float | None = state.get("ends_at")
    late = bool(state.get("is_late"))
    promised_s = (ends_at or now) - now
    over = ends_at is not None and estimate > max(2 * promised_s, promised_s + _LITTLE_S, _LITTLE_S)
    if ends_at is None or over or now + estimate < ends_at - _SOONER_S:
        ends_at, late = now + estimate, late or over
        demo.note(record.id, ends_at=ends_at, is_late=late)
    return Countdown(ends_at - now, late)


def _left(step: DemoStep, seconds: float, job: jobs.JobRecord | None, record: DemoRecord) -> float:
    if step.state == "done":
        return 0.0
    if step.state != "running":
        return seconds
    share = step.percent / 100
    if step.id == "training" and job:
        if job.time_left_s is not None:  # after the steps the model is saved and asked
            return job.time_left_s + seconds * 0.1
        return seconds * (1 - max(0.0, step.percent - _FIRST_STEP) / (100 - _FIRST_STEP))
    return remaining(seconds, share, _elapsed(step, record))


def remaining(expected_s: float, share: float, elapsed_s: float | None) -> float:
    """What is left of a step: at first as expected, from a quarter on at the pace of what is done."""
    plan = expected_s * (1 - share)
    if elapsed_s is None or share <= 0:
        return plan
    trust = min(1.0, share / _PACE_FROM)
    return (1 - trust) * plan + trust * elapsed_s * (1 - share) / share


def _elapsed(step: DemoStep, record: DemoRecord) -> float | None:
    task_id = starter.status().task_id if step.id == "starter" else _test_of(record)
    started_at = tasks.get_task(task_id).started_at if task_id else None
    return time.time() - started_at if started_at else None


def _test_of(record: DemoRecord) -> str | None:
    task_id: str | None = drafts.get(record.id).state.get("test_task_id")
    return task_id


def _expected(base_model: str, sample_id: str, job: jobs.JobRecord | None) -> DemoTime:
    base = base_model if base_model in REFERENCE_S else STARTER
    scaled = {step: seconds * slowness() for step, seconds in REFERENCE_S[base].items()}
    if job:
        scaled["training"] *= job.total_steps / REFERENCE_STEPS[base]
    here = _measured(base_model, sample_id, job)
    found = {"dataset": _DATASET_S, **scaled, **here}
    return DemoTime(found, measured=set(scaled) <= set(here))


def _measured(base_model: str, sample_id: str, job: jobs.JobRecord | None) -> dict[str, float]:
    """The steps whose time is known on this machine."""
    found: dict[str, float] = {}
    if resolve(base_model).ready:
        found["starter" if base_model == STARTER else "base"] = 0.0
    elif built := _duration(tasks.list_tasks(kind=starter.KIND, state="succeeded", limit=1)):
        found["starter"] = built
    earlier = demo.newest_result(sample_id)
    if earlier and earlier.base_model == base_model and earlier.job_id:
        trained = jobs.get_job(earlier.job_id).duration_s
        test_id = _test_of(earlier)
        asked = _duration([tasks.get_task(test_id)]) if test_id else None
        found |= {step: value for step, value in (("training", trained), ("test", asked)) if value}
    if job and (forecast := job.forecast.get("time_expected_s")):
        found["training"] = float(forecast)
    return found


def _duration(finished: list[TaskRecord]) -> float | None:
    return finished[0].duration_s if finished else None
