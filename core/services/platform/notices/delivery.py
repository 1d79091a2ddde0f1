"""Deliveries: one background task per target sends what is not delivered yet, and waits longer after each failure.

The rows of notices are the outbox. A notice is marked as delivered after its receiver has accepted it: a worker that
dies in between delivers it again, so it arrives at least once.
"""

# ruff: noqa: PT028  `test` is a verb here

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, select, update
from sqlmodel import select as select_objects

from core.errors import NotFound, ProviderKeyMissing, SettingsError
from core.ids import new_id
from core.platform import sign_in
from core.platform.db.tables import NOTICE_DELIVERIES, NOTICE_TARGETS, NOTICES, TASKS, NoticeTarget
from core.platform.db.uow import UnitOfWork, read
from core.platform.notices import outbox, sending
from core.platform.notices.outbox import NoticeRecord
from core.platform.notices.sending import DeliveryAttempt, NoticeMessage
from core.platform.notices.services import NOTICE_SERVICES
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.states import WORKABLE
from core.services.platform.notices import addresses, inbox, targets
from core.services.platform.notices.addresses import MailServer
from core.services.platform.notices.targets import KIND
from core.settings import get_settings

GIVEN_UP_S: Final = 3 * 86_400.0  # older notices are not delivered
VISIT_S: Final = 30.0  # of the network worker, for one target; the rest is sent at its next visit
_AT_ONCE: Final = 20  # notices in one visit
_TELL_AFTER: Final = 5  # failures in a row: about an hour
_TYPES: Final = {"info": "info", "success": "success", "warning": "warning", "error": "failure"}


@dataclass(frozen=True, slots=True)
class TargetTest:
    """The result of a test: whether the receiver accepted the message, else what was wrong and what to do."""

    ok: bool
    message: str
    remedy: str = ""
    field: str = ""


def dispatch() -> int:
    """Create and announce the task of each target that has something to receive; returns how many. Cheap: it is called
    every few seconds."""
    inbox.forget_old()
    rows = _receiving()
    unfinished = select(TASKS.c.payload).where(TASKS.c.kind == KIND, TASKS.c.state.in_(WORKABLE))
    busy = {payload["target_id"] for (payload,) in read(unfinished)} if rows else set()
    created = 0
    for row in rows:
        if row.id in busy or not read(select(NOTICES.c.id).where(_undelivered(row)).limit(1)):
            continue
        with UnitOfWork() as uow:
            title = f"Notices to {row.name}"
            task = store.create_or_join(
                uow, kind=KIND, title=title, payload={"target_id": row.id}, key=f"{KIND}:{row.id}"
            )
            uow.commit()
        created += announce(task.id)
    return created


def run(ctx: TaskContext) -> Outcome:
    """Deliver what the payload's target has not received; after a failure, wait and try again."""
    try:
        row = targets.row_of(str(ctx.payload["target_id"]))
    except NotFound:
        return Outcome("succeeded")
    ended = Outcome("succeeded", on_commit=lambda uow: _leave_list(uow, ctx.lease.task_id))
    notices = _due(row) if row.enabled else []
    if not notices:
        return ended
    service = NOTICE_SERVICES.get(row.service)
    began = time.monotonic()
    ctx.progress(0, "Delivering", f"{len(notices)} to deliver")
    try:
        address = targets.address_of(row)
    except (ProviderKeyMissing, SettingsError) as error:
        return _failed(ctx, row, error.message)
    attempts = sending.deliver(service, address, [_message(each) for each in notices])
    for number, (notice, attempt) in enumerate(zip(notices, attempts, strict=False), 1):
        if not attempt.ok:
            return _failed(ctx, row, " ".join(attempt.words(service)))
        _delivered(ctx, row, notice.id)
        ctx.progress(100 * number / len(notices), "Delivering", f"{number} of {len(notices)} delivered")
        ctx.raise_if_interrupted()
        if time.monotonic() - began > VISIT_S:
            break
    return Outcome("waiting") if _due(row) else ended


def backoff_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row: half a minute, then four times longer, at most an hour."""
    return float(min(30.0 * 4.0 ** (failures - 1), 3_600.0))


def test(target_id: str) -> TargetTest:
    """Send a message to a target now, and say what became of it. Raises NotFound."""
    row = targets.row_of(target_id)
    try:
        address = targets.address_of(row)
    except (ProviderKeyMissing, SettingsError) as error:
        return TargetTest(False, error.message, error.remedy, error.field or "address")
    return _tested(row.service, address)


def test_values(
    *, service: str, address: str = "", mail: MailServer | None = None, address_env: str = ""
) -> TargetTest:
    """Send a message to the address of a form before it is saved."""
    try:
        kind = NOTICE_SERVICES.get(service)
        if address_env:
            address = targets.of_variable(address_env)
        full, _ = addresses.checked(kind, mail.address() if mail is not None else address)
    except (NotFound, ProviderKeyMissing, SettingsError) as error:
        return TargetTest(False, error.message, error.remedy, error.field or "address")
    return _tested(service, full)


def _tested(service: str, address: str) -> TargetTest:
    kind = NOTICE_SERVICES.get(service)
    body = "This is a test. Notices of this studio arrive here."
    attempts = list(sending.deliver(kind, address, [NoticeMessage("SFT Studio: test", body)]))
    attempt = attempts[0] if attempts else DeliveryAttempt(False, "unknown")
    if attempt.ok:
        return TargetTest(True, f"{kind.title} accepted the test message.", "Check that it arrived.")
    message, remedy = attempt.words(kind)
    return TargetTest(False, message, remedy, "address")


def _receiving() -> Sequence[NoticeTarget]:
    with UnitOfWork(write=False) as uow:
        query = select_objects(NoticeTarget).where(NOTICE_TARGETS.c.enabled).order_by(NOTICE_TARGETS.c.id)
        rows = uow.session.exec(query).all()
        uow.session.expunge_all()
    return rows


def _due(row: NoticeTarget) -> list[NoticeRecord]:
    query = select(NOTICES).where(_undelivered(row)).order_by(NOTICES.c.id).limit(_AT_ONCE)
    return [NoticeRecord.of(found._mapping) for found in read(query)]


def _undelivered(row: NoticeTarget) -> ColumnElement[bool]:
    """The condition for notices that a target should still receive."""
    done = select(NOTICE_DELIVERIES.c.id).where(
        NOTICE_DELIVERIES.c.notice_id == NOTICES.c.id, NOTICE_DELIVERIES.c.target_id == row.id
    )
    since = max(row.created_at, time.time() - GIVEN_UP_S)
    wanted = NOTICES.c.kind.in_(row.kinds) & (NOTICES.c.created_at >= since) & ~done.exists()
    return wanted & NOTICES.c.person.in_(["", row.person]) if row.person else wanted


def _delivered(ctx: TaskContext, row: NoticeTarget, notice_id: int) -> None:
    now = time.time()

    def note(uow: UnitOfWork) -> None:
        mine = NOTICE_TARGETS.c.id == row.id
        if uow.execute(select(NOTICE_TARGETS.c.id).where(mine)).first() is None:  # deleted in the meantime
            return
        delivery = {"id": new_id("ndl"), "notice_id": notice_id, "target_id": row.id, "created_at": now}
        uow.insert_new(NOTICE_DELIVERIES, [delivery])
        uow.execute(update(NOTICE_TARGETS).where(mine).values(delivered_at=now, failures=0, error=""))

    ctx.write(note)
    ctx.saved()


def _failed(ctx: TaskContext, row: NoticeTarget, why: str) -> Outcome:
    failures = row.failures + 1

    def note(uow: UnitOfWork) -> None:
        values = {"failures": failures, "error": why, "failed_at": time.time()}
        uow.execute(update(NOTICE_TARGETS).where(NOTICE_TARGETS.c.id == row.id).values(values))
        if failures == _TELL_AFTER:
            text = f"{why} Deliveries are tried again every hour."
            title, once = f"Notices to “{row.name}” cannot be delivered", f"target:{row.id}:{int(time.time())}"
            outbox.send(uow, "service_problem", title, text, outbox.link_to("settings"), once=once)

    ctx.write(note)
    ctx.progress(0, "Waiting", f"{why} It is tried again.")
    return Outcome("waiting", again_in_s=backoff_s(failures))


def _leave_list(uow: UnitOfWork, task_id: str) -> None:
    """A task that delivered everything is not listed among the background jobs."""
    uow.execute(update(TASKS).where(TASKS.c.id == task_id).values(archived_at=time.time()))


def _message(notice: NoticeRecord) -> NoticeMessage:
    kind = notice.about
    body = "\n\n".join(part for part in (notice.text, _address_of(notice.link)) if part) or kind.title
    title = " ".join(notice.title.split())  # a subject is one line
    return NoticeMessage(title, body, _TYPES[kind.level])


def _address_of(link: str) -> str:
    """A link as an address that a browser opens; "" for none."""
    if not link:
        return ""
    settings = get_settings()
    origin = sign_in.examine().origin or f"http://{settings.host or '127.0.0.1'}:{settings.web_port}"
    return f"{origin}/{link}"
