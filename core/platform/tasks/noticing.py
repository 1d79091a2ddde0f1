"""The notices of tasks: that one ended, or that its worker was lost."""

from __future__ import annotations

from core.platform.db.uow import UnitOfWork
from core.platform.notices import outbox
from core.platform.tasks.kinds import kind_of
from core.platform.tasks.records import TaskRecord

_BACKGROUND_JOBS = "background_jobs"


def ended(uow: UnitOfWork, task: TaskRecord) -> None:
    """Write the notice of a task that has just ended, if its kind has one and no person cancelled it."""
    kind = kind_of(task.kind)
    if not kind.noticed or task.state not in ("succeeded", "failed"):
        return
    name, once = _named(task.title or kind.title), f"ended:{task.id}:{task.attempt}:{task.lease_epoch}"
    if task.state == "succeeded":
        text = "" if name.strip("“").startswith(kind.title) else f"{kind.title}."
        outbox.send(uow, "job_ended", f"{name} finished", text, link_of(task), person=task.person, once=once)
        return
    text = " ".join(str(part) for part in (task.error.get("message"), task.error.get("remedy")) if part)
    outbox.send(uow, "job_failed", f"{name} failed", text, link_of(task), person=task.person, once=once)


def worker_lost(uow: UnitOfWork, task: TaskRecord, sentence: str) -> None:
    """Write the notice of a task whose worker died or hung and that will be resumed."""
    if kind_of(task.kind).quiet:
        return
    title = f"A worker was lost while it worked on {_named(task.title or kind_of(task.kind).title)}"
    once = f"lost:{task.id}:{task.lease_epoch}"
    outbox.send(uow, "worker_lost", title, sentence, link_of(task), person=task.person, once=once)


def _named(title: str) -> str:
    """A title in quotation marks, unless it has some: `Train “Support v2”`."""
    return title if "“" in title else f"“{title}”"


def link_of(task: TaskRecord) -> str:
    """The screen that shows the task, or what it made."""
    kind = kind_of(task.kind)
    screen, key = kind.opens or kind.shows or (_BACKGROUND_JOBS, "")
    value = task.result.get(key) or task.payload.get(key)
    if screen in ("job", "datasets", "models", "evaluate") and value:
        return outbox.link_to(screen, {"id": str(value)})
    return _BACKGROUND_JOBS
