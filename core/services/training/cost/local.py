"""What training on this machine costs: its time at `SFT_PRICE_PER_HOUR`, in US dollars for the budgets."""

from __future__ import annotations

from typing import Final

from core.platform.tasks.records import TaskRecord
from core.services.platform.budgets import TRAINING, PaidWork
from core.services.training.jobs import reader
from core.settings import get_settings

PROVIDER: Final = "Local"


def paid(seconds: tuple[float, float] | None) -> PaidWork | None:
    """What a run may cost at most; None where no price per hour in US dollars is known.

    Args:
        seconds: the range of its time; None: it is not known.
    """
    per_hour = get_settings().usd_per_hour
    if per_hour is None:
        return None
    if seconds is None:
        return PaidWork(TRAINING, None, PROVIDER)
    low, high = (one / 3600 * per_hour for one in seconds)
    return PaidWork(TRAINING, high, PROVIDER, low)


def spent(task: TaskRecord) -> float | None:
    """US dollars of the time that a run has taken; None where no price is known."""
    per_hour = get_settings().usd_per_hour
    if per_hour is None:
        return None
    measured = reader.get_job(str(task.payload["job_id"]), with_deleted=True).measured
    seconds = None if measured.get("resumed") else measured.get("total_seconds")
    return float(seconds or task.duration_s or 0.0) / 3600 * per_hour
