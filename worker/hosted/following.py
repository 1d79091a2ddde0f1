"""How a job is doing at its service: state, events and measurements, mapped onto those of a job here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from core.errors import ProviderError
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.platform.tasks.context import Outcome
from core.services.training import metrics
from core.training.metrics import Point
from core.training.providers.hosted import HostedEvent, HostedPoint, HostedStatus
from worker.hosted import result
from worker.hosted.visit import Visit

PHASE_QUEUE, PHASE_TRAIN = "Queued", "Training"
RESUMING: Final = "resuming"  # asked to go on; until then the service may still say that it is paused
_ACTIONS: Final[dict[str, Literal["cancel", "pause"]]] = {"cancel": "cancel", "pause": "pause"}


def follow(visit: Visit) -> Outcome:
    """Pass a command on, read how the job is doing, and end it or say when to come again."""
    command = visit.ctx.signal()
    if command == "shutdown":
        return Outcome("released")
    visit.ctx.allow(4 * visit.endpoint.timeout_s)
    _pass_on(visit, command)
    status = visit.service.status(visit.endpoint, visit.run.remote_id)
    _read(visit, status)
    return _ended(visit, status, command) or visit.again()


def _pass_on(visit: Visit, command: str) -> None:
    """Cancel or pause it there; a job that was paused, and is worked on again, is resumed."""
    if action := _ACTIONS.get(command):
        visit.service.act(visit.endpoint, visit.run.remote_id, action)
    elif visit.run.state == "paused":
        visit.service.act(visit.endpoint, visit.run.remote_id, "resume")
        visit.note(state=RESUMING)


def _read(visit: Visit, status: HostedStatus) -> None:
    """Store the status, new events and new measurements in one transaction, so that each appears once."""
    run, endpoint = visit.run, visit.endpoint
    events = visit.service.events(endpoint, run.remote_id, after=run.last_event_id)
    after = int(run.details.get("measured_to", 0))
    queued = status.state == "queued"
    points = [] if queued else visit.service.points(endpoint, run.remote_id, after=max(after - 1, -1))
    details = run.details | _details(visit, status) | {"measured_to": max([after, *(point.step for point in points)])}

    def also(uow: UnitOfWork) -> None:
        for event in events:
            data = {"there": event.id}
            store.event(uow, visit.ctx.lease.task_id, "service", event.message, event.level, data)
        metrics.write(uow, visit.job.id, _points(points, status))

    visit.note(
        also,
        remote_status=status.provider_status,
        state=run.state if status.state == "paused" else status.state,
        model=status.model or run.model,
        last_event_id=_last(events) or run.last_event_id,
        poll_count=run.poll_count + 1,
        failures=0,
        billed_usd=status.usd if status.usd is not None else run.billed_usd,
        details={name: value for name, value in details.items() if name != "trouble"},
    )
    if run.failures:
        visit.ctx.event("recovery", f"{visit.choice.connection} responds again.")


def _details(visit: Visit, status: HostedStatus) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "known": status.known,
        "step": status.step,
        "total_steps": status.total_steps,
        "trained_tokens": status.trained_tokens,
        "finish_at": status.finish_at,
        "progress": status.progress,
    }
    facts = {name: value for name, value in facts.items() if value is not None}
    if visit.service.capabilities.checkpoints and status.state != "queued":
        found = visit.service.checkpoints(visit.endpoint, visit.run.remote_id)
        facts["checkpoints"] = [{"id": one.id, "step": one.step, "model": one.model} for one in found]
    return facts


def _points(points: Sequence[HostedPoint], status: HostedStatus) -> list[Point]:
    return [
        Point(point.split, point.step, {name: float(value) for name, value in point.measured.items()})
        for point in points
        if "loss" in point.measured
    ]


def _last(events: Sequence[HostedEvent]) -> str:
    return events[-1].id if events else ""


def _ended(visit: Visit, status: HostedStatus, command: str) -> Outcome | None:
    """The outcome of a job that is over, or paused; None while it goes on."""
    ctx, title = visit.ctx, visit.choice.connection
    if status.state == "succeeded":
        ctx.enter("running")
        return Outcome("cancelled") if command == "cancel" else result.make(visit, status)
    if status.state == "cancelled":
        by = "" if command == "cancel" else "cancelled_there"
        if by:
            ctx.event("state", f"It was cancelled at {title}.", level="warning")
        return Outcome("cancelled", reason=by)
    if status.state == "failed":
        if command == "cancel":
            return Outcome("cancelled")
        text = (
            f"{title} reports: {status.error.rstrip(' .')}."
            if status.error
            else f"The job failed at {title}, without a reason."
        )
        raise ProviderError(text, status.error_remedy or "Correct it and retry: a retry submits the job again.")
    if status.state == "paused" and command != "cancel" and visit.run.state != RESUMING:
        ctx.enter("running")
        visit.note(state="paused")
        return Outcome("paused")
    _show(visit, status, command)
    return None


def _show(visit: Visit, status: HostedStatus, command: str) -> None:
    """State and progress of a job that goes on."""
    said = replace(status, provider_status=status.provider_status or status.state)
    word = said.provider_status if said.known else f"running ({visit.service.title} says “{said.provider_status}”)"
    message = f"{command.capitalize()} was requested there" if command else f"{visit.choice.connection}: {word}"
    if status.state == "queued":
        visit.ctx.enter("queued")
        visit.ctx.progress(20, PHASE_QUEUE, message)
        return
    visit.ctx.enter("running", f"{visit.choice.connection} trains.")
    share = status.progress
    if share is None and status.step and status.total_steps:
        share = status.step / status.total_steps
    visit.ctx.progress(20 + 75 * min(max(share or 0.0, 0.0), 1.0), PHASE_TRAIN, message)
