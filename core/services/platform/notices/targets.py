"""The rows of targets: list, save, delete. Their addresses never enter the database."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete as delete_rows, select as select_columns, update
from sqlmodel import col, select

from core.errors import Conflict, NotFound, ProviderKeyMissing, SettingsError
from core.ids import new_id
from core.platform.db.tables import NOTICE_DELIVERIES, TASKS, NoticeTarget
from core.platform.db.uow import UnitOfWork
from core.platform.notices.kinds import NOTICE_KINDS
from core.platform.notices.services import NOTICE_SERVICES, NoticeService
from core.platform.tasks.announce import announce
from core.platform.tasks.states import WORKABLE
from core.services.platform.connections import keys
from core.services.platform.notices import addresses
from core.services.platform.notices.addresses import MailServer

KIND: Final = "notice"  # of the background task that delivers
VARIABLES: Final = re.compile(r"SFT_NOTICE_[A-Z0-9_]{1,60}")  # no other variable of this server can be named


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """A target. `shown` is the part of its address that is not secret; `kinds` are ids of NOTICE_KINDS.

    `person`: it receives what concerns this person and what concerns everyone; "" for everything. `failures` counts the
    attempts in a row that failed, the last one at `failed_at` with `error`.
    """

    id: str
    name: str
    service: str
    shown: str
    address_env: str
    kinds: tuple[str, ...]
    person: str
    enabled: bool
    failures: int
    error: str
    failed_at: float | None
    delivered_at: float | None
    created_at: float

    @property
    def about(self) -> NoticeService:
        """Its service. Raises NotFound: it no longer exists."""
        return NOTICE_SERVICES.get(self.service)


def list_targets() -> list[TargetRecord]:
    """Every target, by name."""
    with UnitOfWork(write=False) as uow:
        return [record_of(row) for row in uow.session.exec(select(NoticeTarget).order_by(col(NoticeTarget.name)))]


def get(target_id: str) -> TargetRecord:
    """One target, by its id or name. Raises NotFound."""
    return record_of(row_of(target_id))


def save(
    *,
    id: str | None = None,
    name: str,
    service: str = "",
    address: str | None = None,
    mail: MailServer | None = None,
    address_env: str = "",
    kinds: Sequence[str] | None = None,
    person: str = "",
    enabled: bool = True,
) -> TargetRecord:
    """Create a target, or change the one with this id.

    Args:
        service: an id of NOTICE_SERVICES; of an existing target it cannot change.
        address: the address itself, a secret; `mail` is one by its parts. None of them keeps the stored one.
        address_env: the environment variable of this server that holds the address, instead: SFT_NOTICE_….
        kinds: what it receives; None for everything.

    Raises:
        SettingsError: a value is missing or invalid. Conflict: the name is taken. NotFound: no target has this id.
    """
    row = row_of(id) if id else NoticeTarget(id=new_id("ntc"), name="", service=_service(service).id)
    kind = NOTICE_SERVICES.get(row.service)
    clean = _name(name)
    chosen = _kinds(kinds)
    if mail is not None:
        address = mail.address()
    before = row.address_file
    if address_env:
        addresses.checked(kind, of_variable(address_env))
        row.address_env, row.address_file, row.shown = address_env, "", ""
    elif address is not None:
        full, row.shown = addresses.checked(kind, address)
        row.address_env, row.address_file = "", keys.write(full)
    elif not (row.address_file or row.address_env):
        raise SettingsError("The address is missing.", f"Write it like {kind.example}.", field="address")
    row.name, row.kinds, row.person, row.enabled = clean, chosen, person.strip()[:200], enabled
    row.failures, row.error, row.updated_at = 0, "", time.time()
    try:
        _store(row)
    except BaseException:
        keys.remove(row.address_file if row.address_file != before else "")
        raise
    keys.remove(before if before != row.address_file else "")
    _wake(row.id)
    return record_of(row)


def _store(row: NoticeTarget) -> None:
    with UnitOfWork() as uow:
        taken = uow.session.exec(
            select(NoticeTarget.id).where(NoticeTarget.name == row.name, NoticeTarget.id != row.id)
        ).first()
        if taken:
            raise Conflict(f"A target is already called “{row.name}”.", "Choose another name.", field="name")
        uow.session.merge(row)
        uow.commit()


def set_enabled(target_id: str, enabled: bool) -> TargetRecord:
    """Deliver to a target, or pause it; what happens while it is paused is not delivered later."""
    row = row_of(target_id)
    with UnitOfWork() as uow:
        stored = uow.session.get(NoticeTarget, row.id)
        if stored is not None:
            if enabled and not stored.enabled:
                stored.created_at = time.time()  # notices before this are not delivered
            stored.enabled, stored.failures, stored.error, stored.updated_at = enabled, 0, "", time.time()
            uow.session.add(stored)
            uow.commit()
    _wake(row.id)
    return get(row.id)


def delete(target_id: str) -> None:
    """Delete a target and its address."""
    row = row_of(target_id)
    with UnitOfWork() as uow:
        uow.execute(delete_rows(NOTICE_DELIVERIES).where(NOTICE_DELIVERIES.c.target_id == row.id))
        uow.session.delete(uow.session.merge(row))
        uow.commit()
    keys.remove(row.address_file)


def address_of(row: NoticeTarget) -> str:
    """The address of a target; never show it.

    Raises:
        ProviderKeyMissing: the variable is not set, or the stored address was deleted.
        SettingsError: the variable does not hold an address of the service.
    """
    if row.address_env:
        return addresses.checked(NOTICE_SERVICES.get(row.service), of_variable(row.address_env))[0]
    try:
        return keys.read(row.address_file)
    except ProviderKeyMissing:
        text = "The stored address of this target was deleted."
        raise ProviderKeyMissing(text, "Enter the address again.", field="address") from None


def _wake(target_id: str) -> None:
    """Try now what waits for its next attempt: the target was changed."""
    mine = TASKS.c.payload["target_id"].as_string() == target_id
    waiting = (TASKS.c.kind == KIND) & TASKS.c.state.in_(WORKABLE) & mine & TASKS.c.lease_owner.is_(None)
    with UnitOfWork() as uow:
        found = uow.execute(select_columns(TASKS.c.id).where(waiting)).scalars().all()
        if found:
            uow.execute(update(TASKS).where(TASKS.c.id.in_(found)).values(not_before=None))
            uow.commit()
    for task_id in found:
        announce(task_id)


def row_of(target_id: str) -> NoticeTarget:
    """The row with this id or name. Raises NotFound."""
    with UnitOfWork(write=False) as uow:
        found = (NoticeTarget.id == target_id) | (NoticeTarget.name == target_id)
        row = uow.session.exec(select(NoticeTarget).where(found)).first()
        if row is not None:
            uow.session.expunge(row)
    if row is None:
        raise NotFound(f"There is no target {target_id!r}.", "Open Settings, Notices, and choose or create one.")
    return row


def record_of(row: NoticeTarget) -> TargetRecord:
    values = row.model_dump(exclude={"address_file", "updated_at", "kinds"})
    return TargetRecord(**values, kinds=tuple(kind for kind in row.kinds if kind in NOTICE_KINDS))


def _service(service: str) -> NoticeService:
    if service not in NOTICE_SERVICES:
        known = ", ".join(NOTICE_SERVICES.ids())
        raise SettingsError(f"Unknown service: {service!r}.", f"Choose one of {known}.", field="service")
    return NOTICE_SERVICES.get(service)


def _name(name: str) -> str:
    clean = name.strip()
    if not 1 <= len(clean) <= 80 or not clean.isprintable():
        raise SettingsError("A target needs a name of 1 to 80 visible characters.", "Enter a name.", field="name")
    return clean


def _kinds(kinds: Sequence[str] | None) -> list[str]:
    chosen = NOTICE_KINDS.ids() if kinds is None else tuple(dict.fromkeys(kinds))
    for kind in chosen:
        if kind not in NOTICE_KINDS:
            known = ", ".join(NOTICE_KINDS.ids())
            raise SettingsError(f"Unknown kind of notice: {kind!r}.", f"Choose from {known}.", field="kinds")
    if not chosen:
        raise SettingsError("No kind of notice is chosen.", "Choose at least one.", field="kinds")
    return list(chosen)


def of_variable(name: str) -> str:
    """The address in a variable. Raises ProviderKeyMissing: it is not set; SettingsError: it is another variable."""
    if not VARIABLES.fullmatch(name):
        text = f"The variable {name[:80]!r} is not for addresses of notices."
        raise SettingsError(text, "Only variables called SFT_NOTICE_… are read.", field="address")
    value = os.environ.get(name, "")
    if not value:
        raise ProviderKeyMissing(
            f"The environment variable {name} is not set for this process.",
            f"Set {name} and restart the studio, or store the address in the target.",
            field="address",
        )
    return value
