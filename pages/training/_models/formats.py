"""Downloading a model: every format with the reason for those that are refused, written in the background if needed."""

from __future__ import annotations

import streamlit as st

from core.services.platform import tasks
from core.services.serving import model_files
from core.services.training import models
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.downloads import download
from pages.ui.errors import boundary
from pages.ui.format import md, sentence, size
from pages.ui.tasks import words as task_words

POLL_S = 1.0


def button(model: models.ModelRecord) -> None:
    """Opens the dialog."""
    if st.button("Download", icon=":material/download:", key=f"download_{model.id}", width="stretch"):
        download_dialog(model.id)


@dialog("Download this model", width="medium", icon=":material/download:")
def download_dialog(model_id: str) -> None:
    busy = bool(model_files.running(model_id))
    st.fragment(run_every=POLL_S if busy else None)(_rows)(model_id, busy)


def _rows(model_id: str, busy: bool) -> None:
    with boundary():
        running, failures = model_files.running(model_id), model_files.last_failures(model_id)
        if bool(running) != busy:
            st.rerun()
        model = models.get_model(model_id)
        for choice in components.divided(model_files.choices(model)):
            with st.container(gap="xsmall", key=f"format_{choice.id}"), components.spread(gap="small"):
                with st.container(gap=None, width="stretch"):
                    about = size(choice.ready) if choice.ready else f"about {size(choice.expected)}"
                    shown = choice.ready or (choice.ok and choice.expected)
                    st.markdown(f"**{md(choice.title)}**{f' :small[{about}]' if shown else ''}")
                    st.caption(md(f"{choice.text} {choice.reason if choice.ok else ''}"))
                    if not choice.ok:
                        st.markdown(f":small[:orange[:material/block:] {md(choice.reason)}]")
                    elif (failure := failures.get(choice.id)) and choice.ready is None and choice.id not in running:
                        st.markdown(f":small[:red[{sentence(failure)}]]")
                    if choice.id in running:
                        _progress(running[choice.id])
                if choice.ok and choice.id not in running:
                    _action(model, choice)


def _progress(task: tasks.TaskRecord) -> None:
    words = task_words.why(tasks.waiting_reason(task)) or task.message or "Waiting for a worker"
    st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(words)}]")


def _action(model: models.ModelRecord, choice: model_files.FormatChoice) -> None:
    if choice.ready is not None or choice.quick:
        download(
            "Download",
            lambda: model_files.download(model.id, choice.id).blocks(),
            file_name=model_files.filename(model, choice.id),
            mime="application/zip",
            key=f"download_{model.id}_{choice.id}",
        )
        return
    label = "Merge and write" if choice.needs_merge else "Write files"
    archived = model.state != "active" and choice.needs_merge
    if st.button(
        label,
        icon=":material/archive:",
        key=f"write_{choice.id}",
        disabled=archived,
        help="Restore the model first." if archived else None,
    ):
        model_files.begin(model.id, choice.id)
        st.rerun()
