"""What can be done with a whole dataset: dedupe, split, sample, set the instructions, redact, repair. Each is a dialog
that says beforehand what the new version would hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.data.editing import Dedupe, Filter, NeutraliseSpecialTokens, Redact, RepairText, Sample, SetSystem, make
from core.data.examples.sensitive import KINDS
from core.services.data.datasets import DatasetRecord
from pages.data._datasets.editing import by_hand, split as dataset_split
from pages.data._datasets.editing.change import dialog_foot
from pages.ui.dialogs import dialog
from pages.ui.format import md, sentence
from pages.ui.forms import form_fields


def toolbar(dataset: DatasetRecord) -> None:
    """The row of actions above the examples."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="operations"):
        if st.button("Write an example", icon=":material/edit_note:", key="write_example"):
            by_hand.write(dataset)
        if st.button("Remove duplicates", icon=":material/content_copy:", key="op_dedupe"):
            _dedupe(dataset)
        if st.button("Split", icon=":material/call_split:", key="op_split"):
            dataset_split.open_dialog(dataset)
        if st.button("Sample", icon=":material/casino:", key="op_sample"):
            _sample(dataset)
        more: dict[str, tuple[str, Callable[[DatasetRecord], None]]] = {
            "Set the context": (":material/psychology_alt:", _set_system),
            "Redact personal data": (":material/visibility_off:", _redact),
            "Repair damaged text": (":material/healing:", _repair),
            "Neutralise control tokens": (":material/code_off:", _neutralise),
        }
        with st.popover("More", icon=":material/more_horiz:", key="op_more"):
            for index, (title, (icon, opened)) in enumerate(more.items()):
                if st.button(title, icon=icon, type="tertiary", width="stretch", key=f"op_more_{index}"):
                    opened(dataset)


def confirm_filter(dataset: DatasetRecord, operation: Filter) -> None:
    """Ask before a filter makes a version."""
    _filter(dataset, operation)


@dialog("Filter the examples", icon=":material/filter_alt:")
def _filter(dataset: DatasetRecord, operation: Filter) -> None:
    st.markdown(sentence(operation.describe().replace("Kept", "Keep", 1).replace("Dropped", "Drop", 1)))
    dialog_foot(dataset, lambda: operation, "filter", "Keep only these" if operation.keep else "Drop these")


@dialog("Remove duplicates", icon=":material/content_copy:")
def _dedupe(dataset: DatasetRecord) -> None:
    st.caption("A model that reads the same example many times learns that one by heart, and the others less.")
    kinds = {"exact": "Exact: the same to the character", "near": "Near: almost the same words"}
    kind = st.radio("Which", list(kinds), format_func=kinds.__getitem__, key="dedupe_kind")
    values: dict[str, Any] = {"kind": kind}
    if kind == "near":
        values["threshold"] = st.slider(
            "Similarity from",
            0.5,
            1.0,
            0.8,
            0.05,
            help="The share of their words that two examples have in common. 0.8 finds rewordings; higher finds fewer.",
            key="dedupe_threshold",
        )
    keeps = {"first": "The first", "last": "The last", "longest": "The longest"}
    values["keep"] = st.segmented_control(
        "Which one stays", list(keeps), default="first", required=True, format_func=keeps.__getitem__, key="dedupe_keep"
    )
    dialog_foot(dataset, lambda: make(Dedupe, **values), "dedupe", "Remove duplicates")


@dialog("Take a sample", icon=":material/casino:")
def _sample(dataset: DatasetRecord) -> None:
    st.caption("A smaller set trains faster: good for a first try. The same seed always draws the same examples.")
    by = st.segmented_control(
        "Amount", ["Number", "Share"], default="Number", required=True, label_visibility="collapsed", key="sample_by"
    )
    values: dict[str, Any] = {}
    if by == "Number":
        start = min(dataset.examples, 100)
        values["size"] = st.number_input("Examples to keep", 1, dataset.examples, start, key="sample_size")
    else:
        values["share"] = st.slider("Share to keep (%)", 1, 99, 20, key="sample_share") / 100
    values |= form_fields(Sample, {}, "sample", ["seed", "stratified"])
    dialog_foot(dataset, lambda: make(Sample, **values), "sample", "Keep the sample")


@dialog("Set the context", icon=":material/psychology_alt:")
def _set_system(dataset: DatasetRecord) -> None:
    st.caption("System messages are context and instructions for the model. Every example gets this one.")
    text = st.text_area(
        "Context (system message)",
        placeholder="You are the help desk of …",
        help="Leave it blank to take the system messages away.",
        height=120,
        key="system_text",
    )
    dialog_foot(
        dataset,
        lambda: make(SetSystem, text=text),
        "system",
        "Set the context" if text.strip() else "Take the context away",
    )


@dialog("Redact personal data and secrets", icon=":material/visibility_off:")
def _redact(dataset: DatasetRecord) -> None:
    st.caption("Each find is replaced by a mark such as [EMAIL]. What a model never read, it cannot tell anyone.")
    kinds = st.multiselect(
        "Kinds",
        list(KINDS),
        format_func=lambda kind: KINDS[kind].title,
        placeholder="Everything that is known",
        key="redact_kinds",
    )
    dialog_foot(dataset, lambda: make(Redact, kinds=tuple(kinds) or None), "redact", "Redact")


@dialog("Repair damaged text", icon=":material/healing:")
def _repair(dataset: DatasetRecord) -> None:
    st.caption("Text that was read in the wrong encoding, such as “cafÃ©”, becomes “café” again. Nothing else changes.")
    dialog_foot(dataset, lambda: make(RepairText), "repair", "Repair")


@dialog("Neutralise control tokens", icon=":material/code_off:")
def _neutralise(dataset: DatasetRecord) -> None:
    st.caption(md("A space is put into texts such as <|im_end|>, so that no tokenizer takes them for a command."))
    dialog_foot(dataset, lambda: make(NeutraliseSpecialTokens), "neutralise", "Neutralise")
