"""The datasets of a mix and their weights."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.data.datasets import DatasetChoice, mix as dataset_mix
from pages.ui import components
from pages.ui.format import md, plural

Parts = list[tuple[str, float]]  # id of a version, weight


def choose(all_datasets: Sequence[DatasetChoice]) -> tuple[Parts, int | None]:
    """The version and weight of each chosen dataset, and the size of the mix (None: it follows from the weights)."""
    by_id = {dataset.id: dataset for dataset in all_datasets}
    components.heading("Datasets", "latest versions")
    ids = st.multiselect(
        "Datasets to mix",
        list(by_id),
        format_func=lambda dataset_id: by_id[dataset_id].name,
        placeholder="Choose two or more",
        label_visibility="collapsed",
        bind="query-params",
        key="datasets",
    )
    size = components.switch(
        "Size",
        {"weights": "By weights", "total": "A fixed number"},
        key="size",
        help="By weights: weight 1 uses every example once, 2 twice, 0.5 half of them. "
        "A fixed number: the weights are shares of it.",
        bind="query-params",
        labeled=True,
    )
    fixed = size == "total"
    parts: Parts = []
    for dataset_id in ids:
        dataset = by_id[dataset_id]
        with st.container(
            border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"part_{dataset.id}"
        ):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**{md(dataset.name, 60)}**")
                st.caption(f"{plural(dataset.examples, 'pair')} · version {dataset.number}")
            weight = st.number_input(
                "Weight",
                0.05,
                1_000.0,
                1.0,
                step=0.5,
                format="%g",
                width=130,
                help="A share of the mix: 3 and 1 give 75% and 25%." if fixed else "1: every example once. 2: twice.",
                bind="query-params",
                key=f"weight_{dataset.id}",
            )
        parts.append((dataset.version_id, float(weight)))
    total = None
    if fixed:
        suggested = min(sum(by_id[one].examples for one in ids) or 1_000, dataset_mix.MAX_EXAMPLES)
        total = int(
            st.number_input(
                "Examples in the mix", 1, dataset_mix.MAX_EXAMPLES, suggested, bind="query-params", key="total"
            )
        )
    return parts, total
