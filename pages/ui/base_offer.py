"""A base model that can be fetched: its sources as buttons, the progress while it is fetched, why it failed.

Nothing is fetched without a click.
"""

from __future__ import annotations

import streamlit as st

from core.services.platform import tasks
from core.services.training import downloads
from core.services.training.choices import BaseModelRef
from pages.ui.errors import boundary
from pages.ui.format import md, sentence
from pages.ui.tasks import words as task_words

POLL_S = 1.0


def is_downloading(base: BaseModelRef) -> bool:
    """Whether a task fetches the model now."""
    task = downloads.latest(base.id)
    return task is not None and task.is_active


def sources(base: BaseModelRef) -> None:
    """A button for each source, the smallest download first, with what it transfers; none while one is in use."""
    if is_downloading(base):
        return
    with st.container(horizontal=True, gap="small"):
        for offer in sorted(downloads.offers(base), key=lambda offer: offer.bytes):
            with st.container(width="content", gap=None):
                if st.button(md(offer.text), icon=":material/download:", key=f"download_{base.id}_{offer.source}"):
                    downloads.start(base.id, offer.source)
                    st.rerun()
                st.caption(md(offer.precision), width="content")


def status(base: BaseModelRef) -> None:
    """The progress of the download, or why the last one failed, or why the files here cannot be used."""
    task = downloads.latest(base.id)
    if task and task.is_active:
        st.fragment(run_every=POLL_S)(_downloading)(task.id)
    elif task and task.state == "failed":
        message, remedy = sentence(task.error.get("message", "")), sentence(task.error.get("remedy", ""))
        st.markdown(f":small[:red[{message}] {remedy}]")
    elif base.unusable:
        remedy = "" if base.sources else sentence(base.command)
        st.markdown(f":small[:red[{sentence(base.reason)}] {remedy}]")


def _downloading(task_id: str) -> None:
    """The progress of the download; the page reruns when it ends."""
    with boundary():
        task = tasks.get_task(task_id)
        if task.is_terminal:
            st.rerun()
        words = task_words.why(tasks.waiting_reason(task)) or task.message or "Downloading"
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(words)}]")
            if st.button("Cancel", type="tertiary", key=f"stop_{task_id}"):
                tasks.request(task_id, "cancel")
