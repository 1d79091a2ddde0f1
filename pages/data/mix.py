"""Mix datasets: choose them, give each a weight, see what comes out, make one dataset of them."""

from __future__ import annotations

import streamlit as st

from core.services.data import datasets
from pages.data._mix.choose import choose
from pages.data._mix.follow import come_back, follow_mix
from pages.data._mix.outcome import outcome
from pages.ui import components, guard, navigation
from pages.ui.errors import boundary

guard.require()

with boundary(way_out=("datasets", "All datasets")):
    if st.button("All datasets", type="tertiary", icon=":material/arrow_back:", key="pick_all"):
        st.switch_page(navigation.page_file("datasets"))
    components.page_header(
        "Mix datasets",
        "One dataset of several: each gives as much as its weight says. The datasets themselves stay as they are.",
        "Prepare · Datasets",
    )
    components.section_gap()
    come_back()
    found = datasets.list_datasets()
    task_id = st.query_params.get("task")
    if task_id:
        follow_mix(task_id)
    elif len(found) < 2:
        if components.empty(
            "blender",
            "There is nothing to mix yet" if not found else "One dataset is no mix",
            "Two datasets or more can become one: a general one and your own, or one per team.",
            "Upload Labeled Examples",
            "mix",
        ):
            st.switch_page(navigation.page_file("upload"))
    else:
        work, result = st.columns([7, 6], gap="medium")
        with work:
            parts, total = choose(found)
        with result:
            outcome(parts, total)
