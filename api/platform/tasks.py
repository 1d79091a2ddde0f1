"""`/api/v1/tasks`: background work of every kind."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request
from fastapi.responses import StreamingResponse

from api.platform.event_stream import STREAMED, event_stream
from api.platform.records import After, Limit, RecordPage, page, records
from api.platform.scopes import needs
from api.platform.shapes import EventShown, Start, TaskShown
from core.services.platform import task_list, tasks
from core.services.platform.api_keys import DATA, READ, TRAIN

router: Final = records("/api/v1/tasks", "Tasks")
Action = Literal["cancel", "pause", "resume", "stop", "retry", "keep"]
Since = Annotated[int, Query(ge=0, description="the id of the last event that was read")]


@router.get("", dependencies=[needs(READ)])
def list_tasks(limit: Limit = 50, after: After = "", archived: bool = False) -> RecordPage[TaskShown]:
    """The tasks, the newest first."""
    return page(task_list.newest(after, archived=archived, limit=limit + 1), limit, TaskShown)


@router.get("/{task_id}", dependencies=[needs(READ, DATA, TRAIN)])
def get_task(task_id: str) -> TaskShown:
    """One task."""
    return TaskShown.of(tasks.get_task(task_id))


@router.post("/{task_id}/start", dependencies=[needs(DATA, TRAIN)])
def start(task_id: str) -> TaskShown:
    """Start a planned task now, or visit work elsewhere, without waiting for its time."""
    return TaskShown.of(tasks.start_now(task_id))


@router.post("/{task_id}/schedule", dependencies=[needs(DATA, TRAIN)])
def schedule(task_id: str, asked: Start) -> TaskShown:
    """Let a task that has not started wait until a time."""
    return TaskShown.of(tasks.schedule(task_id, asked.start_at))


@router.post("/{task_id}/{action}", dependencies=[needs(DATA, TRAIN)])
def act(task_id: str, action: Action) -> TaskShown:
    """Cancel, pause, resume, stop, retry or keep, where the task allows it."""
    tasks.request(task_id, action)
    return TaskShown.of(tasks.get_task(task_id))


@router.get(
    "/{task_id}/events", dependencies=[needs(READ, DATA, TRAIN)], response_model=list[EventShown], responses=STREAMED
)
def events(
    task_id: str, request: Request, since: Since = 0, stream: bool = False
) -> list[EventShown] | StreamingResponse:
    """What happened to a task, the oldest first; with `stream=true` as server-sent events until it ends."""
    tasks.get_task(task_id)
    if stream:
        return event_stream(Following(task_id, since).read, request.url.path, names=True)
    return [EventShown.of(event) for event in tasks.events(task_id, since)]


class Following:
    """Reads the events of a task that were not read before."""

    def __init__(self, task_id: str, since: int) -> None:
        self._task_id, self._since = task_id, since

    def read(self) -> tuple[list[dict[str, Any]], bool]:
        ended = tasks.get_task(self._task_id).is_terminal  # before its events: that of its end is there then
        found = [EventShown.of(event) for event in tasks.events(self._task_id, self._since)]
        self._since = found[-1].id if found else self._since
        return [event.model_dump() for event in found], ended
