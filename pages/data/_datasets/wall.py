"""The Datasets screen without a chosen dataset: the cards, and the ways to create a dataset."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.data import datasets
from pages.data._datasets.cards import SCREEN
from pages.ui import components, first_steps, listing, navigation
from pages.ui.dialogs import dialog
from pages.ui.examples import message_editor
from pages.ui.format import sentence

_KEY = "by_hand"


def show() -> None:
    """The datasets as cards, or the ways to create the first one."""
    there = datasets.count()
    with components.header_row(
        "Supervised Training Datasets",
        "Manage labeled examples for supervised fine-tuning (input → output pairs).",
        "Prepare · Datasets",
    ):
        if there:
            _actions(there > 1)
    if there:
        listing.show(SCREEN)
        return
    components.section_gap()
    first_steps.no_data(
        "dataset",
        "No datasets yet",
        "Supervised fine-tuning requires labeled examples. Convert a table, upload a file or import chats; every row "
        "is checked. The demo brings its own examples.",
        "datasets",
    )
    with st.container(horizontal=True, horizontal_alignment="center", gap="small"):
        if st.button("Write examples by hand", icon=":material/edit_note:", type="tertiary", key="to_write"):
            begin_by_hand()


def _actions(several: bool) -> None:
    if several and st.button("Mix", icon=":material/blender:", key="to_mix", help="Combine several datasets into one."):
        navigation.go("mix")
    if st.button("Write by hand", icon=":material/edit_note:", key="to_write"):
        begin_by_hand()
    navigation.button("Convert data", "convert", icon=":material/transform:", key="to_convert")
    if st.button("Upload Labeled Examples", type="primary", icon=":material/upload_file:", key="to_upload"):
        navigation.go("upload")


def begin_by_hand() -> None:
    """Create a dataset from one example written by hand."""
    message_editor.begin(_KEY)
    _dialog()


@dialog("Write a dataset by hand", width="large", icon=":material/edit_note:")
def _dialog() -> None:
    st.caption("Write the first example; add more on the dataset's screen.")
    name = st.text_input("Name", max_chars=200, key="by_hand_name")
    slot = st.container()
    messages = message_editor.editor(_KEY)
    if messages is None or not st.button("Create dataset", type="primary", width="stretch", key="create_by_hand"):
        return
    try:
        dataset = datasets.begin_by_hand(name, messages)
    except StudioError as error:
        slot.markdown(f":red[:material/error: {sentence(error.message)}] {sentence(error.remedy)}")
        return
    navigation.go("datasets", {"id": dataset.id})
