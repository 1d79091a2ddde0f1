"""What a notice can be about: one record per kind, for the outbox, the bell, the targets and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from core.registry import Registry

Level = Literal["info", "success", "warning", "error"]


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """One kind of notice.

    Args:
        id: the value in the column `kind`; stored, so it never changes.
        title: as in the list of what a target receives.
        icon: a Material symbol.
        level: how urgent it is.
    """

    id: str
    title: str
    icon: str
    level: Level


NOTICE_KINDS: Final = Registry[NoticeKind]("kind of notice")

for _kind in (
    NoticeKind("job_ended", "Job finished", "check_circle", "success"),
    NoticeKind("job_failed", "Job failed", "error", "error"),
    NoticeKind("dataset_failed", "Dataset failed validation", "rule", "error"),
    NoticeKind("budget_warning", "Budget nearly used", "savings", "warning"),
    NoticeKind("budget_reached", "Budget reached", "block", "error"),
    NoticeKind("model_shutdown", "Model will be shut down", "event_busy", "warning"),
    NoticeKind("worker_lost", "Worker lost", "heart_broken", "warning"),
    NoticeKind("service_problem", "Problem with a service", "cloud_off", "warning"),
):
    NOTICE_KINDS.add(_kind)
