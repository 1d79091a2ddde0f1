"""Examples written by hand: saved one by one, then added to the dataset as one new version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.errors import StudioError
from core.messages import Example
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from pages.data._datasets.editing import beside, change as dataset_change
from pages.ui.dialogs import dialog
from pages.ui.errors import boundary
from pages.ui.examples import message_editor
from pages.ui.format import plural, sentence


def begin_edit(position: int, messages: Sequence[Mapping[str, Any]]) -> None:
    """Open the messages of an example in the editor."""
    message_editor.begin(_edit_key(position), messages)


def edited(position: int) -> list[dict[str, Any]] | None:
    """Draw the editor and return its messages; None while they are invalid."""
    return message_editor.editor(_edit_key(position))


def _edit_key(position: int) -> str:
    return f"editing_{position}"


def pending(dataset: DatasetRecord) -> None:
    """The examples that were written and not added to a version yet."""
    written = datasets.written(dataset.id)
    if not written:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="written"):
        with st.container(gap=None, width="stretch", key="rowtext_written"):
            st.markdown(f"**{plural(len(written), 'example')} written by hand** not added yet")
            st.caption("They are saved and become part of the dataset when you add them.")
        if st.button(
            f"Add to version {dataset.version.number + 1}", icon=":material/playlist_add:", key="gather_written"
        ):
            with boundary():
                dataset_change.take(dataset, datasets.gather(dataset.id))
                st.rerun()


def write(dataset: DatasetRecord) -> None:
    """Open the dialog that writes one example."""
    message_editor.begin(_key(dataset))
    st.session_state.pop(f"{_key(dataset)}_saved", None)
    _dialog(dataset)


@dialog("Write an example", width="large", icon=":material/edit_note:")
def _dialog(dataset: DatasetRecord) -> None:
    key = _key(dataset)
    st.caption("What a user writes and the answer you want. Each example should demonstrate desired behavior.")
    saved = st.session_state.get(f"{key}_saved", 0)
    if saved:
        st.markdown(f":green[:material/check_circle: {plural(saved, 'example')} saved.]")
    messages = message_editor.editor(key)
    more = beside.fields(Example(()), f"{key}_{saved}")
    if messages is None or more is None:
        return
    st.space("xxsmall")
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        another = st.button("Save and write another", icon=":material/add:", key="save_and_another")
        done = st.button("Save example", type="primary", key="save_written")
    if not (another or done):
        return
    try:
        datasets.write_example(dataset.id, messages, tools=more.tools, rejected=more.rejected)
    except StudioError as error:
        st.markdown(f":red[:material/error: {sentence(error.message)}] {sentence(error.remedy)}")
        return
    if done:
        st.rerun()
    st.session_state[f"{key}_saved"] = saved + 1
    message_editor.begin(key)
    st.rerun(scope="fragment")


def _key(dataset: DatasetRecord) -> str:
    return f"writing_{dataset.id}"
