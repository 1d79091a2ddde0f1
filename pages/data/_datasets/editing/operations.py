"""The toolbar above the examples: each action opens a dialog that shows its effect before it creates a version."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services.data.datasets import DatasetRecord, operations
from core.services.data.datasets.operations import Dedupe, Filter, Operation, SampleRows
from pages.data._datasets.editing import by_hand, split as dataset_split
from pages.data._datasets.editing.change import dialog_foot
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.format import md, sentence
from pages.ui.forms import form_fields


def toolbar(dataset: DatasetRecord) -> None:
    """The row of actions above the examples."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="operations"):
        if st.button("Write an example", icon=":material/edit_note:", key="write_example"):
            by_hand.write(dataset)
        if st.button("Remove duplicates", icon=":material/content_copy:", key="op_dedupe"):
            dedupe_dialog(dataset)
        if st.button("Split", icon=":material/call_split:", key="op_split"):
            dataset_split.open_dialog(dataset)
        if st.button("Sample", icon=":material/casino:", key="op_sample"):
            sample_dialog(dataset)
        with st.popover("More", icon=":material/more_horiz:", key="op_more"):
            for kind in operations.offered():
                icon = f":material/{kind.icon or 'edit'}:"
                if st.button(kind.title, icon=icon, type="tertiary", width="stretch", key=f"op_{kind.id}"):
                    operation_dialog(dataset, kind)


@dialog("Filter the examples", icon=":material/filter_alt:")
def filter_dialog(dataset: DatasetRecord, operation: Filter) -> None:
    """What the filter keeps or drops, and the button that creates the version."""
    verb = "Keep" if operation.keep else "Drop"
    st.markdown(sentence(f"{verb} the examples {' and '.join(operation.conditions())}."))
    dialog_foot(dataset, lambda: operation, "filter", "Keep only these" if operation.keep else "Drop these")


@dialog("Remove duplicates", icon=":material/content_copy:")
def dedupe_dialog(dataset: DatasetRecord) -> None:
    """Exact or near duplicates, and which one of a group to keep."""
    st.caption("A model that reads the same example many times memorizes it and learns less from the others.")
    kinds = {"exact": "Exact: identical text", "near": "Near: almost the same words"}
    kind = st.radio("Which", list(kinds), format_func=kinds.__getitem__, key="dedupe_kind")
    values: dict[str, Any] = {"kind": kind}
    if kind == "near":
        values["threshold"] = st.slider(
            "Minimum similarity",
            0.5,
            1.0,
            0.8,
            0.05,
            help="Minimum share of words in common. 0.8 finds rewordings; higher values find fewer.",
            key="dedupe_threshold",
        )
    keeps = {"first": "The first", "last": "The last", "longest": "The longest"}
    values["keep"] = components.switch("Keep", keeps, key="dedupe_keep", default="first", labeled=True)
    dialog_foot(dataset, lambda: operations.make(Dedupe, **values), "dedupe", "Remove duplicates")


@dialog("Sample", icon=":material/casino:")
def sample_dialog(dataset: DatasetRecord) -> None:
    """Keep a number or a share of the examples, drawn at random."""
    st.caption("A smaller dataset trains faster, good for a first try. The same seed always draws the same examples.")
    by = st.segmented_control(
        "Amount", ["Number", "Share"], default="Number", required=True, label_visibility="collapsed", key="sample_by"
    )
    values: dict[str, Any] = {}
    if by == "Number":
        start = min(dataset.examples, 100)
        values["size"] = st.number_input("Examples to keep", 1, dataset.examples, start, key="sample_size")
    else:
        values["share"] = st.slider("Share to keep (%)", 1, 99, 20, key="sample_share") / 100
    values |= form_fields(SampleRows, {}, "sample", ["seed", "stratified"])
    dialog_foot(dataset, lambda: operations.make(SampleRows, **values), "sample", "Keep the sample")


def operation_dialog(dataset: DatasetRecord, kind: type[Operation]) -> None:
    """The dialog of an operation, with a form made from its fields."""
    dialog(kind.title, icon=f":material/{kind.icon or 'edit'}:")(_form)(dataset, kind)


def _form(dataset: DatasetRecord, kind: type[Operation]) -> None:
    st.caption(md(kind.lead))
    fields = [name for name in kind.model_fields if name != "positions"]  # no positions: every example
    values = form_fields(kind, {}, f"op_{kind.id}", fields, columns=1)
    dialog_foot(dataset, lambda: operations.make(kind, **values), kind.id, kind.title)
