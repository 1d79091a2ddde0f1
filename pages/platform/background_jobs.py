"""All background tasks, such as conversion, training and tests, and the workers that run them."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from core.services.platform import tasks
from pages.ui import components, guard, navigation, states
from pages.ui.errors import boundary
from pages.ui.format import ago, duration, md, plural, sentence
from pages.ui.tasks import actions as task_actions, words as task_words, workers

guard.require()

POLL_S, LIMIT, ALL = 2.0, 100, "all"


def filters(found: list[tasks.TaskRecord]) -> tuple[str, str]:
    """The kind and state to show; only those with tasks can be chosen."""
    kinds = Counter(task.kind for task in found)
    counts = Counter(task.state for task in found)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        titles = {ALL: "All kinds"} | {kind: f"{task_words.kind(kind)[0]} ({kinds[kind]})" for kind in kinds}
        kind = components.pick("Kind", titles, "kind", width=220, label_visibility="collapsed")
        words = {state: f"{states.state_of(state).word} {counts[state]}" for state in task_words.ORDER if counts[state]}
        state = components.switch("State", {ALL: "All"} | words, "state")
    return kind, state


def listing(kind: str, state: str, drawn: dict[str, tuple[str, str]]) -> None:
    """The tasks, newest first, with progress and actions."""
    with st.container(key="live_tasks"), boundary():
        found = tasks.list_tasks(limit=LIMIT)
        if _look(found) != drawn:
            st.rerun()
        wanted = [t for t in found if kind in (ALL, t.kind) and state in (ALL, t.state)]
        with st.container(border=True, gap="xsmall", key="task_list"):
            for task in components.divided(wanted):
                row(task)
            if not wanted:
                st.caption("No task of this kind is in this state.")
        components.section_gap()
        workers.panel()


def row(task: tasks.TaskRecord) -> None:
    """One task: kind, progress, the reason why it waits or failed, and its actions."""
    word, icon = task_words.kind(task.kind)
    took = task.finished_at - task.started_at if task.finished_at and task.started_at else None
    quiet = [word, f"took {duration(took)}" if took is not None else "", ago(task.created_at)]
    with components.spread(gap="small"):
        with st.container(gap=None, width="stretch", key=f"rowtext_{task.id}"):
            _title(task, f"**{md(task.title or word)}**", icon)
            st.caption(" · ".join(part for part in quiet if part))
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            task_actions.buttons(
                tasks.actions(task),
                lambda action: tasks.request(task.id, action),
                key=task.id,
                asked=task.command,
                small=True,
            )
            if task.waits_to_resume:
                st.badge("Waiting to resume", color="orange", icon=":material/healing:")
            else:
                states.badge(task.state, help=_meaning(task))
    if task.state in task_words.MOVING - {"pending"}:
        st.progress(min(1.0, task.progress / 100), text=_progress_text(task))
    note = task_words.why(tasks.waiting_reason(task))
    if task.state == "failed":
        note = f"{task.error.get('message', '')} {task.error.get('remedy', '')}"
    if note and note.strip():
        st.caption(sentence(note.strip()))


def _title(task: tasks.TaskRecord, words: str, icon: str) -> None:
    """The title; a link if the kind of task has a screen."""
    screen, key = tasks.kind(task.kind).opens or ("", "")
    if screen and task.payload.get(key):
        target = navigation.page_file(screen)
        st.page_link(target, label=words, icon=f":material/{icon}:", query_params={"id": task.payload[key]})
    else:
        st.markdown(f":gray[:material/{icon}:] {words}")


def _progress_text(task: tasks.TaskRecord) -> str:
    words = task_words.command(task.command) or task.message or task.phase.capitalize()
    return f":small[{task.progress:.0f}%{' · ' + md(words) if words else ''}]"


def _meaning(task: tasks.TaskRecord) -> str | None:
    return "stopped early, the model was saved" if task.reason == "stopped_early" else None


def _look(found: list[tasks.TaskRecord]) -> dict[str, tuple[str, str]]:
    return {task.id: (task.state, task.command) for task in found}


with boundary():
    components.page_header(
        "Background jobs", "Long-running work, which continues while you do something else.", "Studio"
    )
    found = tasks.list_tasks(limit=LIMIT)
    if not found:
        components.empty(
            "view_timeline",
            "No background jobs yet",
            "Conversions, training runs and tests appear here while they run, and remain as history.",
            "Upload Labeled Examples",
            key="no_tasks",
            opens="upload",
        )
        components.section_gap()
        workers.panel()
    else:
        if len(found) == LIMIT:
            st.caption(f"The latest {plural(LIMIT, 'task')}.")
        kind, state = filters(found)
        live = any(task.state in task_words.MOVING for task in found)
        st.fragment(run_every=POLL_S if live else None)(listing)(kind, state, _look(found))
