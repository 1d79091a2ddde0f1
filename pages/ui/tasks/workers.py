"""The worker processes, and what each of them is doing."""

from __future__ import annotations

import streamlit as st

from core.errors import QueueUnavailable
from core.services.platform import tasks
from pages.ui import components
from pages.ui.format import ago, md, plural, sentence

_DOES = {
    "gpu": "Trains, tests and merges models",
    "cpu": "Converts, checks and edits datasets",
    "io": "Downloads base models and asks language models",
}


def known() -> tuple[list[tasks.WorkerRecord], QueueUnavailable | None]:
    """The running workers; and why it is unknown which they are, if Redis does not respond."""
    try:
        return tasks.workers(), None
    except QueueUnavailable as error:
        return [], error


def panel() -> None:
    """One row per worker; without one, how to start it."""
    alive, silent = known()
    titles = {task.id: task.title for task in tasks.list_tasks(state="running", limit=20)}
    components.heading("Workers", plural(len(alive), "worker") if silent is None else "unknown")
    with st.container(border=True, gap="xsmall", key="workers"):
        if silent is not None:
            st.markdown(f"**:orange[:material/warning: {sentence(silent.message)}]**")
            st.caption(md(sentence(silent.remedy)))
        elif not alive:
            st.markdown("**:orange[:material/warning: No worker is running]**")
            st.caption("Background jobs wait until a worker starts: `sft worker`, or `sft up` for everything.")
        for worker in components.divided(alive):
            busy = worker.task_id is not None
            doing = titles.get(worker.task_id or "", "working") if busy else "waiting for work"
            with components.spread(wrap=False):
                with st.container(gap=None, width="stretch"):
                    place = f" on {md(worker.host)}" if worker.host else ""
                    st.markdown(f"**{worker.title}**{place}")
                    st.caption(f"{_DOES[worker.queue]} · {md(doing)} · seen {ago(worker.seen_at)}")
                st.badge("Busy" if busy else "Idle", color="blue" if busy else "gray")
