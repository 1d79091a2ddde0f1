"""`sft tasks`: the background jobs of every kind, newest first; act on them, archive them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from core.cli._support.boundary import say
from core.cli._support.managing import Managed, acting, shelving
from core.cli._support.output import moment, print_json, print_table, state_word


def tasks(
    context: typer.Context,
    kind: Annotated[str, typer.Option(help="Only tasks of this kind, such as conversion or training.")] = "",
    state: Annotated[str, typer.Option(help="Only tasks in this state, such as running or failed.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    archived: Annotated[bool, typer.Option("--archived", help="Show only archived tasks.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per task, one per line.")] = False,
) -> None:
    """List background jobs of every kind: conversions, imports, edits, training, tests, downloads."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.platform import task_list
    from core.services.platform.listing import View

    chosen = {name: value for name, value in (("kind", kind), ("state", state)) if value}
    with ensure(set()):
        found, shown = task_list.look_up(View(chosen=chosen, archived=archived, per_page=limit))
        made = task_list.made(shown)
    if found.total > len(shown):
        say(f"The newest {len(shown):,} of {found.total:,} tasks; --limit {found.total} shows all.")
    if as_json:
        for task in shown:
            link = made.get(task.id)
            print_json({
                "task": task.id, "kind": task.kind, "title": task.title, "state": task.state,
                "waiting_to_resume": task.waits_to_resume, "progress": task.progress, "message": task.message,
                "made": link.title if link else None,
                "created_at": task.created_at, "finished_at": task.finished_at,
            })  # fmt: skip
        return
    print_table(("TASK", "KIND", "TITLE", "STATE", "PROGRESS", "CREATED"), [
        (task.id, task.kind, task.title, state_word(task.state, waits=task.waits_to_resume),
         f"{task.progress:.0f}%", moment(task.created_at))
        for task in shown
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Task:
    """A task as the shared subcommands see it."""

    id: str
    name: str
    is_terminal: bool
    archived_at: float | None


def _service() -> Any:
    from core.services.platform import task_list

    return task_list


def _find(task_id: str) -> _Task:
    from core.services.platform import tasks as service

    task = service.get_task(task_id)
    return _Task(task.id, task.title, task.is_terminal, task.archived_at)


def _request(task_id: str, action: str) -> Any:
    from core.services.platform import tasks as service

    return service.request(task_id, action)


TASK = Managed("task", _service, _find)
ACTIONS = {
    "cancel": "End tasks without a result.",
    "pause": "Pause tasks of the kinds that can be paused.",
    "resume": "Continue paused tasks.",
    "stop": "End tasks, and keep what they have done so far.",
    "retry": "Run tasks that failed or were cancelled again.",
}
SUBCOMMANDS = (*acting(TASK, _request, ACTIONS), *shelving(TASK))
