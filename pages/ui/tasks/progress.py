"""The progress of a background task, polled until it ends, and the reason if it failed."""

from __future__ import annotations

import streamlit as st

from core.services.platform import tasks
from core.services.platform.tasks import TaskRecord
from pages.ui import components, states
from pages.ui.format import duration, md, sentence
from pages.ui.tasks.words import why

POLL_S = 1.0
_PLACES = {"pending": "Waiting in queue", "validating": "Checking", "running": "Working", "paused": "Paused"}


def follow(task_id: str, *, cancel: bool = True) -> TaskRecord:
    """Return the task; while it runs, show its progress and rerun the page when it ends.

    Args:
        cancel: offer to cancel it; False where the screen has its actions elsewhere.
    """
    task = tasks.get_task(task_id)
    if not task.is_terminal:
        _live(task_id, cancel)
    return task


@st.fragment(run_every=POLL_S)
def _live(task_id: str, cancel: bool) -> None:
    task = tasks.get_task(task_id)
    if task.is_terminal:
        st.rerun()
    band(task)
    if cancel and st.button("Cancel", type="tertiary", icon=":material/stop_circle:", key=f"cancel_{task_id}"):
        tasks.request(task_id, "cancel")
        st.toast("Stopping at the next step", icon=":material/stop_circle:")


def band(task: TaskRecord) -> None:
    """State, phase, progress, and the reason why the task is waiting."""
    reason = tasks.waiting_reason(task)
    with st.container(border=True, gap="xsmall"):
        with components.spread():
            phase = sentence(task.message or task.phase or _PLACES.get(task.state, ""))
            st.markdown(f"{states.badge_md(task.state)} {phase}", width="content")
            running = f" · {duration(task.duration_s)}" if task.duration_s else ""
            st.caption(f"{task.progress:.0f}%{running}", width="content")
        st.progress(min(1.0, max(0.0, task.progress / 100)))
        if reason:
            st.caption(sentence(why(reason)))


def ended_badly(task: TaskRecord, key: str) -> bool:
    """Show why a task failed or was cancelled, with a button to retry; returns False for any other state."""
    if task.state not in ("failed", "cancelled"):
        return False
    with st.container(border=True, gap="xsmall", key=f"ended_{key}"):
        why_ended(task, "Nothing was saved.")
        if st.button("Try again", icon=":material/refresh:", key=f"retry_{key}"):
            tasks.request(task.id, "retry")
            st.rerun()
    return True


def why_ended(task: TaskRecord, cancelled: str) -> None:
    """The state of a task that ended badly and its error, or what a cancelled one left."""
    error = task.error or {}
    st.markdown(states.badge_md(task.state))
    if task.state == "cancelled":
        st.markdown(f"Cancelled. {cancelled}")
        return
    st.markdown(sentence(str(error.get("message") or task.message or "The task failed without an error message.")))
    if error.get("remedy"):
        st.caption(sentence(str(error["remedy"])))
    if error.get("error_id"):
        st.caption(f"Error ID: {md(error['error_id'])}")
