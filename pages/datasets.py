"""Datasets: a wall of cards; with `?id=` one dataset with its examples, findings, statistics and provenance."""

from __future__ import annotations

import streamlit as st

from core.services import datasets
from pages.ui import face, frame, guard
from pages.ui.boundary import boundary
from pages.ui.dataset_cards import wall
from pages.ui.dataset_detail import head, summary, watch_validation
from pages.ui.dataset_tabs import examples, findings, provenance, statistics

guard.require()


def show_wall() -> None:
    """Every dataset as a card."""
    found = datasets.list_datasets()
    with face.header_row(
        "Supervised Training Datasets",
        "Manage labeled examples for supervised fine-tuning (input → output pairs).",
        "Prepare · Datasets",
    ):
        if found and st.button("Convert data", icon=":material/transform:", key="to_convert"):
            st.switch_page(frame.page_file("convert"))
        if found and st.button(
            "Upload Labeled Examples", type="primary", icon=":material/upload_file:", key="to_upload"
        ):
            st.switch_page(frame.page_file("upload"))
    face.section_gap()
    if found:
        wall(found)
        return
    if face.empty(
        "dataset",
        "No dataset yet",
        "Supervised fine-tuning requires labeled examples. Bring a table or a JSONL file; every row is checked.",
        "Upload Labeled Examples",
        "datasets",
    ):
        st.switch_page(frame.page_file("upload"))


def show_one(dataset_id: str) -> None:
    """One dataset."""
    dataset = datasets.get_dataset(dataset_id)
    head(dataset)
    watch_validation(dataset)
    summary(dataset)
    face.section_gap()
    views = {"Examples": examples, "Findings": findings, "Statistics": statistics, "Provenance": provenance}
    for tab, show in zip(st.tabs(list(views), key="view", bind="query-params"), views.values(), strict=True):
        if tab.open:
            with tab, boundary():
                show(dataset)


with boundary(way_out=("datasets", "All datasets")):
    wanted = st.query_params.get("id")
    if wanted:
        show_one(wanted)
    else:
        show_wall()
