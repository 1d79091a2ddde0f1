"""Mix datasets: choose them, set weights, see the counts, create one dataset."""

from __future__ import annotations

import streamlit as st

from core.services.data import datasets
from pages.data._mix.choose import choose
from pages.data._mix.follow import follow_mix
from pages.data._mix.outcome import outcome
from pages.ui import components, first_steps, guard, navigation
from pages.ui.errors import boundary

guard.require()

with boundary(way_out=("datasets", "All datasets")):
    navigation.button("All datasets", "datasets", type="tertiary", icon=":material/arrow_back:", key="pick_all")
    components.page_header(
        "Mix datasets",
        "Combine several datasets; weights decide how much each contributes. The datasets do not change.",
        "Prepare · Datasets",
    )
    components.section_gap()
    all_datasets = datasets.choices()
    task_id = st.query_params.get("task")
    if task_id:
        follow_mix(task_id)
    elif len(all_datasets) < 2:
        first_steps.no_data(
            "blender",
            "No datasets yet" if not all_datasets else "A mix needs at least two datasets",
            "Combine two or more datasets, such as a general one and your own, or one from each team.",
            "mix",
        )
    else:
        work, result = st.columns([7, 6], gap="medium")
        with work:
            parts, total = choose(all_datasets)
        with result, boundary():
            outcome(parts, total)
