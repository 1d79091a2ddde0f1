"""The daily look at the providers' lists, and the notices before a model that is used here goes dark."""

from __future__ import annotations

import logging
from contextlib import closing, suppress
from typing import Final

from core.errors import StudioError
from core.models.llm import LlmError
from core.models.llm.shutdowns import Dated
from core.platform.db.uow import UnitOfWork
from core.platform.notices import outbox
from core.platform.tasks import store
from core.platform.tasks.announce import announce
from core.platform.tasks.context import Outcome, TaskContext
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.platform import connections
from core.services.platform.connections import ConnectionRecord
from core.services.serving import connected, evaluating
from core.services.serving.evaluating import EvaluationRecord
from core.services.serving.shutdowns.dates import ShutdownRecord, calendar, note_live, today
from core.services.serving.shutdowns.usage import host_of
from core.text import plural

log = logging.getLogger(__name__)

KIND: Final = "shutdowns"
THRESHOLDS: Final = (7, 30, 90)  # days before a shutdown; each is told once
_NAMED: Final = 3
_looked_on: list[str] = []  # the day of this process's last look


def dispatch() -> None:
    """Look once a day. Cheap: it is called every few seconds."""
    day = today().isoformat()
    if _looked_on == [day]:
        return
    _looked_on[:] = [day]
    if any(not record.builtin for record in connections.list_connections()):
        _start(day)


def look_now() -> TaskRecord:
    """Look at the lists now, as a background task."""
    return _start("now")


def _start(occasion: str) -> TaskRecord:
    done = ("succeeded", "failed", "cancelled") if occasion == "now" else ()
    with UnitOfWork() as uow:
        key = f"{KIND}:{occasion}"
        task = store.create_or_join(uow, kind=KIND, title="Dates of shutdowns", payload={}, key=key, done=done)
        uow.commit()
    announce(task.id)
    return task


def run(ctx: TaskContext) -> Outcome:
    """Read every provider's list, store the dates, and write the notices that are due."""
    listed = [record for record in connections.list_connections() if not record.builtin]
    for number, record in enumerate(listed):
        ctx.progress(90 * number / len(listed), "Reading", f"the list of {record.name}")
        ctx.raise_if_interrupted()
        try:
            note_live(host_of(record.base_url), _live(record), record.base_url)
        except StudioError as error:  # one provider that does not respond stops no other one
            log.warning("The list of %s could not be read: %s", record.name, error)
    ctx.write(tell)
    return Outcome("succeeded")


def _live(record: ConnectionRecord) -> dict[str, str]:
    """The dates of a provider's lists: of the models that answer, and of the bases that it trains."""
    bases = connections.base_models(record.id)
    found = {base.id: base.shutdown_date for base in bases if base.shutdown_date}
    with closing(connections.open_client(record.id, timeout_s=15.0)) as client:
        if isinstance(client, Dated):
            try:
                found |= client.shutdown_dates()
            except LlmError:
                if not bases:
                    raise
    return found


def tell(uow: UnitOfWork) -> None:
    """Write a notice for each model in use that goes dark, once for each threshold that it has passed."""
    for record in calendar(used_only=True):
        passed = next((days for days in THRESHOLDS if 0 <= record.days_left <= days), None)
        if passed is None:
            continue
        when = "today" if record.days_left == 0 else f"in {plural(record.days_left, 'day')}"
        outbox.send(
            uow,
            "model_shutdown",
            f"{record.model} goes dark {when}",
            f"{record.host} switches it off on {record.shutdown_on}. {_users(record)} Record its answers, and train "
            "its successor.",
            outbox.link_to("shutdowns"),
            once=f"shutdown:{record.host}:{record.model}:{record.shutdown_on}:{passed}",
        )


def recordable(record: ShutdownRecord) -> dict[str, str]:
    """The titles of what goes dark and answers now, by its id here: tuned models by their names."""
    found: dict[str, str] = {}
    for use in sorted(record.used_by, key=lambda use: use.kind != "tuned"):
        with suppress(StudioError):  # one that does not answer has no answers to record
            connected.place(use.model_id)
            found.setdefault(use.model_id, use.title if use.kind == "tuned" else use.model)
    return found


def record_answers(model_id: str, dataset_id: str, split: str = "test") -> EvaluationRecord:
    """Ask a model the examples of a dataset's split, as an evaluation that is kept; its answers outlive the model.

    Raises:
        NotFound, DataError: as `evaluating.start`.
    """
    version = datasets.get_dataset(dataset_id).version
    model = evaluating.find_model(model_id)
    return evaluating.start([model_id], version.id, split=split, name=f"Answers of {model.title}"[:200])


def _users(record: ShutdownRecord) -> str:
    titles = list(dict.fromkeys(f"“{use.title}”" for use in record.used_by))
    more = f" and {len(titles) - _NAMED} more" if len(titles) > _NAMED else ""
    return f"It is used by {', '.join(titles[:_NAMED])}{more}."
