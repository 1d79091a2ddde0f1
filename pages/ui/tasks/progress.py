"""Long work on a screen: a progress band that watches a task and ends by itself, and what to say when it failed."""

from __future__ import annotations

import time

import streamlit as st

from core.services.platform import tasks
from core.services.platform.tasks import TaskRecord
from pages.ui import states
from pages.ui.format import duration, sentence

POLL_S = 1.0
_PLACES = {"pending": "Waiting in queue", "validating": "Checking", "running": "Working", "paused": "Paused"}


def follow(task_id: str) -> TaskRecord:
    """The task as it is now; while it is not at its end, a band that follows it (and reruns the page at the end)."""
    task = tasks.get_task(task_id)
    if not task.is_terminal:
        _live(task_id)
    return task


@st.fragment(run_every=POLL_S)
def _live(task_id: str) -> None:
    task = tasks.get_task(task_id)
    if task.is_terminal:
        st.rerun()
    band(task)
    if st.button("Cancel", type="tertiary", icon=":material/stop_circle:", key=f"cancel_{task_id}"):
        tasks.request(task_id, "cancel")
        st.toast("Asked the worker to stop", icon=":material/stop_circle:")


def band(task: TaskRecord) -> None:
    """Where the work is, why it waits, and how far it has come."""
    reason = tasks.waiting_reason(task)
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            place = sentence(task.message or task.phase or _PLACES.get(task.state, ""))
            st.markdown(f"{states.badge_md(task.state)} {place}", width="content")
            running_s = time.time() - task.started_at if task.started_at else None
            st.caption(f"{task.progress:.0f}%" + (f" · {duration(running_s)}" if running_s else ""), width="content")
        st.progress(min(1.0, max(0.0, task.progress / 100)))
        if reason:
            st.caption(sentence(reason))


def ended_badly(task: TaskRecord, key: str) -> bool:
    """Say why a failed or cancelled task ended, and offer to try again; False when there is nothing to say."""
    if task.state not in ("failed", "cancelled"):
        return False
    error = task.error or {}
    with st.container(border=True, gap="xsmall", key=f"ended_{key}"):
        st.markdown(states.badge_md(task.state))
        if task.state == "cancelled":
            st.markdown("This was stopped before its end. Nothing was kept of it.")
        else:
            st.markdown(sentence(str(error.get("message") or task.message or "The work ended without a reason.")))
            if error.get("remedy"):
                st.caption(sentence(str(error["remedy"])))
            if error.get("error_id"):
                st.caption(f"The log has the details under the id {error['error_id']}.")
        if st.button("Try again", icon=":material/refresh:", key=f"retry_{key}"):
            tasks.request(task.id, "retry")
            st.rerun()
    return True
