"""The rows of submissions: written before anything is sent, so that a job is never submitted twice."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import func, insert, select, update

from core.platform.db.tables import HOSTED_RUNS
from core.platform.db.uow import UnitOfWork, read
from core.services.training.hosted.records import Checkpoint, HostedFacts
from core.training.jobs.spec import HostedChoice
from core.training.providers.hosted_services import HOSTED_SERVICES


@dataclass(frozen=True, slots=True)
class HostedRunRecord:
    """A row of `hosted_runs`. `state` is what `remote_status` means; "" before the service was asked."""

    intent: str
    job_id: str
    connection_id: str
    service: str
    training_file: str
    validation_file: str
    attempted_at: float | None
    remote_id: str
    remote_status: str
    state: str
    model: str
    last_event_id: str
    poll_count: int
    failures: int
    estimated_usd: float | None
    billed_usd: float | None
    details: dict[str, Any]
    created_at: float
    updated_at: float


_COLUMNS = [HOSTED_RUNS.c[field.name] for field in fields(HostedRunRecord)]


def newest(job_id: str) -> HostedRunRecord | None:
    """The submission of a job that counts; None before its first visit."""
    query = select(*_COLUMNS).where(HOSTED_RUNS.c.job_id == job_id)
    rows = read(query.order_by(HOSTED_RUNS.c.created_at.desc()).limit(1))
    return HostedRunRecord(**rows[0]._mapping) if rows else None


def begin(uow: UnitOfWork, job_id: str, choice: HostedChoice, *, like: HostedRunRecord | None = None) -> str:
    """Write a new intent, inside the caller's transaction; the files of an earlier one are used again."""
    now = time.time()
    row = {
        "intent": f"sft-{secrets.token_hex(8)}",
        "job_id": job_id,
        "connection_id": choice.connection_id,
        "service": choice.service,
        "training_file": like.training_file if like else "",
        "validation_file": like.validation_file if like else "",
        "remote_id": "",
        "remote_status": "",
        "state": "",
        "model": "",
        "last_event_id": "",
        "poll_count": 0,
        "failures": 0,
        "details": {},
        "created_at": now,
        "updated_at": now,
    }
    uow.execute(insert(HOSTED_RUNS).values(**row))
    return str(row["intent"])


def change(uow: UnitOfWork, intent: str, values: Mapping[str, Any]) -> None:
    """Set columns of a submission, inside the caller's transaction."""
    uow.execute(update(HOSTED_RUNS).where(HOSTED_RUNS.c.intent == intent).values(**values, updated_at=time.time()))


def facts_of(choices: Mapping[str, HostedChoice]) -> dict[str, HostedFacts]:
    """How jobs are doing at their services, by job id. One query for any number."""
    runs = _newest_of(choices.keys())
    return {job_id: _facts(choice, runs.get(job_id)) for job_id, choice in choices.items()}


def _newest_of(job_ids: Collection[str]) -> dict[str, HostedRunRecord]:
    if not job_ids:
        return {}
    of_these = HOSTED_RUNS.c.job_id.in_(job_ids)
    last = select(HOSTED_RUNS.c.job_id, func.max(HOSTED_RUNS.c.created_at).label("at")).where(of_these)
    latest = last.group_by(HOSTED_RUNS.c.job_id).subquery()
    same = (HOSTED_RUNS.c.job_id == latest.c.job_id) & (HOSTED_RUNS.c.created_at == latest.c.at)
    found = read(select(*_COLUMNS).join(latest, same))
    return {row.job_id: HostedRunRecord(**row._mapping) for row in found}


def _facts(choice: HostedChoice, run: HostedRunRecord | None) -> HostedFacts:
    known = choice.service in HOSTED_SERVICES
    title = HOSTED_SERVICES.get(choice.service).title if known else choice.service
    where = (choice.service, title, choice.connection_id, choice.connection, choice.host)
    if run is None:
        return HostedFacts(*where)
    details = run.details
    return HostedFacts(
        *where,
        remote_id=run.remote_id,
        remote_status=run.remote_status,
        known=bool(details.get("known", True)),
        model=run.model,
        checkpoints=tuple(Checkpoint(**checkpoint) for checkpoint in details.get("checkpoints", ())),
        total_steps=int(details.get("total_steps") or 0),
        trained_tokens=details.get("trained_tokens"),
        finish_at=details.get("finish_at"),
        estimated_usd=run.estimated_usd,
        billed_usd=run.billed_usd,
        poll_count=run.poll_count,
        trouble=str(details.get("trouble") or ""),
    )
