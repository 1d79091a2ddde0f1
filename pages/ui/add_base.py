"""Adding a base model of one's own: the dialog, and the progress of what it started."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.platform import tasks
from core.services.training import own_bases
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.errors import boundary, show_error
from pages.ui.format import md, sentence
from pages.ui.tasks import words as task_words

POLL_S = 1.0
_ICONS = {"directory": "folder", "gguf": "unarchive", "hub": "cloud_download"}
_ACTIONS = {"directory": "Add", "gguf": "Restore", "hub": "Download"}


def button(place: str) -> None:
    """*Add a base model*; `place` makes its key unique."""
    if st.button("Add a base model", icon=":material/add:", key=f"add_base_{place}"):
        add_dialog()


@dialog("Add a base model", width="medium")
def add_dialog() -> None:
    text = st.text_input(
        "Path or Hub id",
        key="add_base_path",
        placeholder="/models/my-model",
        help="On the machine that runs the studio: a directory written by save_pretrained, or a GGUF file. Or a Hub "
        "id such as Qwen/Qwen3-0.6B.",
    )
    if not text.strip():
        _what_fits()
        return
    try:
        candidate = own_bases.examine(text)
        if candidate.kind == "gguf":
            name = st.text_input("Name", candidate.title, max_chars=own_bases.MAX_NAME, key=f"add_base_name_{text}")
            candidate = own_bases.examine(text, name)
    except StudioError as error:
        show_error(error)
        return
    with st.container(border=True, gap="xsmall", key="add_base_found"):
        st.markdown(f":material/{_ICONS[candidate.kind]}: **{md(candidate.title)}**")
        st.caption(md(candidate.facts))
    if not candidate.here and st.button(_ACTIONS[candidate.kind], type="primary", key="add_base_confirm"):
        own_bases.add(candidate)
        st.rerun()


def _what_fits() -> None:
    st.caption("A directory of safetensors, a GGUF file of a Llama, Qwen2 or Qwen3 model, or a model of the Hub.")
    roots = [md(str(root)) for root in own_bases.allowed_roots()]
    if roots:
        st.caption(f":material/folder: Directories and files under {', '.join(roots)}.")
        return
    st.caption(
        ":material/folder_off: This screen reads no folder of the machine until `SFT_IMPORT_ROOTS` names one. In a "
        "terminal, `sft base add PATH` adds a directory or a file."
    )


def unfinished(*, catalog: bool = True) -> None:
    """What gets a base model ready, or failed last; nothing where there is none.

    Args:
        catalog: include downloads of the catalog's models; a screen that offers these shows them there.
    """
    for task in own_bases.unfinished(catalog=catalog):
        if task.is_active:
            st.fragment(run_every=POLL_S)(_progress)(task.id)
        else:
            _failed(task)


def _failed(task: tasks.TaskRecord) -> None:
    message, remedy = sentence(task.error.get("message", "It stopped.")), sentence(task.error.get("remedy", ""))
    with components.spread(gap="small", wrap=False):
        st.markdown(f":small[**{md(task.title)}:** :red[{message}] {remedy}]")
        if st.button("Retry", type="tertiary", key=f"retry_{task.id}"):
            tasks.request(task.id, "retry")
            st.rerun()


def _progress(task_id: str) -> None:
    with boundary():
        task = tasks.get_task(task_id)
        if not task.is_active:
            st.rerun()
        words = task_words.why(tasks.waiting_reason(task)) or task.message or "Waiting for a worker"
        with components.spread(gap="small", wrap=False):
            st.progress(min(1.0, task.progress / 100), text=f":small[{md(task.title)}: {sentence(words)}]")
            if st.button("Cancel", type="tertiary", key=f"stop_{task_id}"):
                tasks.request(task_id, "cancel")
