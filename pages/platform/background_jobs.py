"""All background tasks, such as conversion, training and tests, and the workers that run them."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from core.services.platform import tasks
from pages.ui import components, first_steps, guard, navigation, states
from pages.ui.errors import boundary
from pages.ui.format import ago, duration, md, sentence
from pages.ui.tasks import actions as task_actions, words as task_words, workers

guard.require()

POLL_S, PER_PAGE, ALL, PAGE = 2.0, 25, "all", "tasks_page"
Tally = dict[tuple[str, str], int]


def filters(tally: Tally) -> tuple[str, str]:
    """The kind and state to show; only those with tasks can be chosen."""
    kinds, counts = Counter[str](), Counter[str]()
    for (kind_id, in_state), number in tally.items():
        kinds[kind_id] += number
        counts[in_state] += number
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        titles = {ALL: "All kinds"} | {kind: f"{task_words.kind(kind)[0]} ({kinds[kind]})" for kind in sorted(kinds)}
        kind = components.pick("Kind", titles, "kind", width=220, label_visibility="collapsed")
        words = {state: f"{states.state_of(state).word} {counts[state]}" for state in task_words.ORDER if counts[state]}
        state = components.switch("State", {ALL: "All"} | words, "state")
    return kind, state


def listing(kind: str, state: str, drawn: Tally) -> None:
    """One page of the tasks, newest first, with progress and actions."""
    with st.container(key="live_tasks"), boundary():
        if tasks.tally() != drawn:
            st.rerun()
        total = sum(n for (of, at), n in drawn.items() if kind in (ALL, of) and state in (ALL, at))
        first = components.first_of_page(total, PER_PAGE, PAGE)
        found = tasks.list_tasks(
            kind=None if kind == ALL else kind, state=None if state == ALL else state, limit=PER_PAGE, offset=first
        )
        reasons, steps = tasks.waiting_reasons(found), tasks.checkpoint_steps(found)
        with st.container(border=True, gap="xsmall", key="task_list"):
            for task in components.divided(found):
                row(task, reasons.get(task.id), steps.get(task.id, 0))
            if not found:
                st.caption("No task of this kind is in this state.")
        components.pages(total, PER_PAGE, PAGE)
        components.section_gap()
        workers.panel()


def row(task: tasks.TaskRecord, reason: str | None, checkpoint_step: int) -> None:
    """One task: kind, progress, the reason why it waits or failed, and its actions."""
    word, icon = task_words.kind(task.kind)
    took = f"took {duration(task.duration_s)}" if task.finished_at and task.duration_s is not None else ""
    quiet = [word, took, ago(task.created_at)]
    with components.spread(gap="small"):
        with st.container(gap=None, width="stretch", key=f"rowtext_{task.id}"):
            _title(task, f"**{md(task.title or word)}**", icon)
            st.caption(" · ".join(part for part in quiet if part))
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            task_actions.buttons(
                tasks.actions(task, checkpoint_step),
                lambda action: tasks.request(task.id, action),
                key=task.id,
                kind=task.kind,
                asked=task.command,
                small=True,
            )
            if task.waits_to_resume:
                st.badge("Waiting to resume", color="orange", icon=":material/healing:")
            else:
                states.badge(task.state, help=_meaning(task))
    if task.state in task_words.MOVING - {"pending"}:
        st.progress(min(1.0, task.progress / 100), text=_progress_text(task))
    note = task_words.why(reason)
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


with boundary():
    components.page_header(
        "Background jobs", "Long-running work, which continues while you do something else.", "Studio"
    )
    tally = tasks.tally()
    if not tally:
        first_steps.no_data(
            "view_timeline",
            "No background jobs yet",
            "Conversions, training runs and tests appear here while they run, and remain as history.",
            key="no_tasks",
        )
        components.section_gap()
        workers.panel()
    else:
        kind, state = filters(tally)
        live = any(in_state in task_words.MOVING for _, in_state in tally)
        st.fragment(run_every=POLL_S if live else None)(listing)(kind, state, tally)
