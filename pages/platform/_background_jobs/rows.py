"""The list of background tasks, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from core.services.platform import task_list, tasks
from core.services.platform.listing import Slice, View
from core.services.platform.task_list import Link
from core.services.platform.tasks import TaskRecord
from pages.ui import components, listing, navigation, start_time, states
from pages.ui.errors import boundary
from pages.ui.format import ago, duration, md, sentence
from pages.ui.tasks import actions as task_actions, words as task_words

_VERBS = {"datasets": "Open dataset", "models": "Open model", "compare": "Compare", "chat": "Chat",
          "evaluate": "Open evaluation"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task with what its row says about it: why it waits, what can be kept of it, and what it made."""

    task: TaskRecord
    reason: str | None
    checkpoint_step: int
    made: Link | None

    @property
    def id(self) -> str:
        return self.task.id

    @property
    def state(self) -> str:
        return self.task.state

    @property
    def name(self) -> str:
        return self.task.title or task_words.kind(self.task.kind)[0]


def look_up(view: View) -> tuple[Slice, list[TaskRow]]:
    """One page of the tasks."""
    found, shown = task_list.look_up(view)
    reasons, steps, made = tasks.waiting_reasons(shown), tasks.checkpoint_steps(shown), task_list.made(shown)
    return found, [TaskRow(task, reasons.get(task.id), steps.get(task.id, 0), made.get(task.id)) for task in shown]


def row(shown: TaskRow) -> None:
    """One task: kind, progress, the reason why it waits or failed, its actions, and what it made."""
    task = shown.task
    word, icon = task_words.kind(task.kind)
    lasted = f"duration {duration(task.duration_s)}" if task.finished_at and task.duration_s is not None else ""
    quiet = [word, lasted, ago(task.created_at)]
    with components.spread(gap="small"):
        with st.container(gap=None, width="stretch", key=f"rowtext_{task.id}"):
            _title(shown, icon)
            st.caption(" · ".join(part for part in quiet if part))
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            if task.is_planned:
                _sooner_or_later(task)
            task_actions.buttons(
                tasks.actions(task, shown.checkpoint_step),
                lambda action: tasks.request(task.id, action),
                key=task.id,
                kind=task.kind,
                asked=task.command,
                small=True,
            )
            if shown.made:
                _made(task.id, shown.made)
            if task.is_planned:
                st.badge("Planned", color="violet", icon=":material/event:")
            elif task.waits_to_resume:
                st.badge("Waiting to resume", color="orange", icon=":material/healing:")
            else:
                states.badge(task.state, help=_meaning(task))
    if task.state in task_words.MOVING - {"pending"}:
        st.progress(min(1.0, task.progress / 100), text=_progress_text(task))
    note = task_words.why(shown.reason)
    if task.state == "failed":
        note = f"{task.error.get('message', '')} {task.error.get('remedy', '')}"
    if note and note.strip():
        st.caption(sentence(note.strip()))


def _sooner_or_later(task: TaskRecord) -> None:
    """Start a planned task now, or at another time."""
    st.button(
        "Start now", icon=":material/play_arrow:", type="tertiary", key=f"{task.id}_now", on_click=_now, args=(task.id,)
    )
    with (
        st.popover("Change time", icon=":material/schedule:", type="tertiary", key=f"{task.id}_later"),
        st.container(width=300, gap="small"),
    ):
        at = start_time.fields(task.id, task.not_before)
        st.button("Change", key=f"{task.id}_change", on_click=_later, args=(task.id, at), width="stretch")


def _now(task_id: str) -> None:
    with boundary():  # it may have started since the button was drawn
        tasks.start_now(task_id)


def _later(task_id: str, at: float) -> None:
    with boundary():
        tasks.schedule(task_id, at)


def _title(shown: TaskRow, icon: str) -> None:
    """The title links to the screen of the task, or to what it made."""
    task, made = shown.task, shown.made
    screen, key = tasks.kind(task.kind).opens or ("", "")
    icon = f":material/{icon}:"
    if screen and task.payload.get(key):
        listing.opener(task.id, shown.name, screen, {"id": str(task.payload[key])}, icon=icon)
    elif made:
        listing.opener(task.id, shown.name, made.screen, made.query, icon=icon)
    else:
        st.markdown(f":gray[{icon}] **{md(shown.name)}**")


def _made(task_id: str, made: Link) -> None:
    with st.container(key=f"made_{task_id}", gap=None, width="content"):
        st.page_link(
            navigation.page_file(made.screen),
            label=_VERBS[made.screen],
            help=md(made.title),
            icon=":material/arrow_forward:",
            query_params=made.query,
        )


def _progress_text(task: TaskRecord) -> str:
    words = task_words.command(task.command) or task.message or task.phase.capitalize()
    return f":small[{task.progress:.0f}%{' · ' + md(words) if words else ''}]"


def _meaning(task: TaskRecord) -> str | None:
    return "stopped early, the model was saved" if task.reason == "stopped_early" else None


SCREEN: Final = listing.ListScreen(
    noun="task",
    title="background job",
    listing=task_list.LISTING,
    look_up=look_up,
    draw=row,
    archive=task_list.archive,
    restore=task_list.restore,
    words={"state": lambda state: states.state_of(state).word},
    ended=lambda shown: shown.task.is_terminal,
    group=lambda shown: task_list.place_in_queue(shown.task),
    moving=task_words.MOVING,
    poll_s=2.0,
)
