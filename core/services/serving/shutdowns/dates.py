"""The dates of shutdowns: announced ones, overwritten by live lists, and those by what people entered."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select

from core.errors import NotFound, SettingsError
from core.ids import new_id
from core.models.llm import shutdowns
from core.models.llm.shutdowns import AnnouncedShutdown
from core.platform.db.tables import SHUTDOWNS
from core.platform.db.uow import UnitOfWork, read
from core.services.serving.shutdowns.usage import Use, host_of, places, uses
from core.training.providers.hosted import HostedBase


@dataclass(frozen=True, slots=True)
class ShutdownRecord:
    """A model that goes dark. Dates are YYYY-MM-DD. `days_left` is below 0 once it is off; `origin` is announced (known
    to this release), live (from the provider's list) or entered; `used_by` is what uses it here."""

    host: str
    model: str
    shutdown_on: str
    jobs_end_on: str
    source: str
    seen_on: str
    origin: str
    days_left: int
    used_by: tuple[Use, ...] = ()

    @property
    def is_off(self) -> bool:
        return self.days_left < 0


def today() -> date:
    return datetime.now(UTC).date()


def calendar(*, used_only: bool = False) -> list[ShutdownRecord]:
    """Every known shutdown with what uses the model, the next one first; those that are past come last."""
    dates, used = _dates(), defaultdict[tuple[str, str], list[Use]](list)
    for use in uses():
        if record := _closest(dates, use.host, use.model):
            used[record.host, record.model].append(use)
    found = [replace(record, used_by=tuple(used[key])) for key, record in dates.items() if used[key] or not used_only]
    return sorted(found, key=lambda record: (record.is_off, abs(record.days_left), record.host, record.model))


def in_use() -> dict[str, ShutdownRecord]:
    """When what is used here goes dark, by the ids of tuned models, agents and evaluations, the earliest date."""
    found: dict[str, ShutdownRecord] = {}
    for record in calendar(used_only=True):
        for use in record.used_by:
            found[use.id] = min(found.get(use.id, record), record, key=lambda each: each.shutdown_on)
    return found


def of_models(model_ids: Iterable[str]) -> dict[str, ShutdownRecord]:
    """When models go dark, used here or not; those without a known date are left out.

    Args:
        model_ids: of models behind a connection (`via:…`) and tuned ones.
    """
    dates = _dates()
    found = {name: _closest(dates, *place) for name, place in places(model_ids).items()}
    return {name: record for name, record in found.items() if record is not None}


def at(address: str, models: Iterable[str], listed: Mapping[str, str] | None = None) -> dict[str, ShutdownRecord]:
    """When models of a provider go dark, by their names there; those without a known date are left out.

    Args:
        address: of its API, as a connection has it.
        listed: the dates of its list as it is now, by the models' names; what a person entered goes before.
    """
    dates, host = _dates(), host_of(address)
    for model, day in (listed or {}).items():
        known = dates.get((host, model))
        if shutdowns.valid_date(day) and not (known and known.origin == "entered"):
            ends = known.jobs_end_on if known else ""
            entry = AnnouncedShutdown(host, model, day, ends, address, today().isoformat())
            dates[host, model] = _record(entry, "live")
    found = {model: _closest(dates, host, model) for model in models}
    return {model: record for model, record in found.items() if record is not None}


def dated(address: str, bases: Iterable[HostedBase]) -> list[HostedBase]:
    """Base models as a provider lists them now, each with the day on which it goes dark: of the list or the calendar.

    Args:
        address: of its API, as a connection has it.
    """
    found = list(bases)
    dark = at(address, [base.id for base in found], {base.id: base.shutdown_date for base in found})
    return [replace(base, shutdown_date=dark[base.id].shutdown_on if base.id in dark else "") for base in found]


def _closest(dates: Mapping[tuple[str, str], ShutdownRecord], host: str, model: str) -> ShutdownRecord | None:
    """The date of a model itself, else that of the model which it is a release of or was tuned from."""
    found = [record for record in dates.values() if record.host == host and shutdowns.is_of(model, record.model)]
    return max(found, key=lambda record: len(record.model), default=None)


def save(
    *, host: str, model: str, shutdown_on: str, jobs_end_on: str = "", source: str = "", by_hand: bool = True
) -> ShutdownRecord:
    """Enter a date, or change one; a live list does not overwrite it.

    Raises:
        SettingsError: a value is missing or invalid; its field is named.
    """
    host, model = host.strip().lower(), model.strip()
    for field, value in (("host", host), ("model", model)):
        if not 1 <= len(value) <= 200 or not value.isprintable() or " " in value:
            text = f"The {field} is empty, too long or contains spaces."
            raise SettingsError(text, "Such as api.openai.com and gpt-4o.", field=field)
    for field, value in (("shutdown_on", shutdown_on), ("jobs_end_on", jobs_end_on)):
        if (value or field == "shutdown_on") and not shutdowns.valid_date(value):
            raise SettingsError(f"“{value[:40]}” is not a date.", "Write it as 2027-01-14.", field=field)
    _write(host, model, shutdown_on=shutdown_on, jobs_end_on=jobs_end_on, source=source.strip()[:500], by_hand=by_hand)
    return _dates()[host, model]


def remove(host: str, model: str) -> None:
    """Forget a date. Raises NotFound: none is known."""
    if (host, model) not in _dates():
        raise NotFound(f"No shutdown of {model[:80]!r} at {host[:80]!r} is known.", "See the calendar.")
    _write(host, model, shutdown_on="", jobs_end_on="", source="", by_hand=True)


def note_live(host: str, dates: Mapping[str, str], source: str) -> None:
    """Store the dates of a provider's live list, whose address is `source`; what a person entered remains."""
    with UnitOfWork(write=False) as uow:
        kept = set(
            uow.execute(select(SHUTDOWNS.c.model).where(SHUTDOWNS.c.host == host, SHUTDOWNS.c.by_hand)).scalars()
        )
    for model, day in dates.items():
        if model not in kept and shutdowns.valid_date(day) and len(model) <= 200 and model.isprintable():
            _write(host, model, shutdown_on=day, jobs_end_on="", source=source, by_hand=False)


def _write(host: str, model: str, *, shutdown_on: str, jobs_end_on: str, source: str, by_hand: bool) -> None:
    values: dict[str, Any] = {
        "shutdown_on": shutdown_on,
        "jobs_end_on": jobs_end_on,
        "source": source,
        "seen_on": today().isoformat(),
        "by_hand": by_hand,
        "updated_at": time.time(),
    }
    with UnitOfWork() as uow:
        mine = (SHUTDOWNS.c.host == host) & (SHUTDOWNS.c.model == model)
        uow.insert_new(SHUTDOWNS, [{"id": new_id("shd"), "host": host, "model": model, **values}])
        uow.execute(SHUTDOWNS.update().where(mine).values(values))
        uow.commit()


def _dates() -> dict[tuple[str, str], ShutdownRecord]:
    found: dict[tuple[str, str], ShutdownRecord] = {}
    entries = [(known, "announced") for known in shutdowns.ANNOUNCED]
    for row in read(select(SHUTDOWNS)):
        values = (row.host, row.model, row.shutdown_on, row.jobs_end_on, row.source, row.seen_on)
        entries.append((AnnouncedShutdown(*values), "entered" if row.by_hand else "live"))
    for entry, origin in entries:
        before = found.pop((entry.host, entry.model), None)
        if entry.shutdown_on:
            ends = entry.jobs_end_on or (before.jobs_end_on if before and origin == "live" else "")
            found[entry.host, entry.model] = _record(replace(entry, jobs_end_on=ends), origin)
    return found


def _record(entry: AnnouncedShutdown, origin: str) -> ShutdownRecord:
    left = (date.fromisoformat(entry.shutdown_on) - today()).days
    facts = (entry.host, entry.model, entry.shutdown_on, entry.jobs_end_on, entry.source, entry.seen_on)
    return ShutdownRecord(*facts, origin, left)
