"""The card of a dataset that an import or a conversion created."""

from __future__ import annotations

import streamlit as st

from core.errors import NotFound
from core.services.data import datasets
from core.services.data.results import DatasetResult
from pages.ui import components, navigation, states
from pages.ui.format import md, plural, sentence


def created(result: DatasetResult, key: str) -> None:
    """The dataset in a task's result, with its problems and the next steps."""
    try:
        dataset = datasets.get_dataset(result.dataset_id)
    except NotFound:
        st.caption("The dataset created from this file has been deleted.")
        return
    failed = dataset.state == "failed"
    with st.container(border=True, gap="small", key=f"on_done_{key}"):
        mark = ":orange[:material/warning:]" if failed else ":green[:material/check_circle:]"
        badges = f"{components.badge_md('✓ Supervised', 'green')} {states.badge_md(dataset.state)}"
        st.markdown(f"**{mark} {md(dataset.name)}** {badges}")
        st.markdown(f"Labeled Examples: **{plural(dataset.version.examples, 'pair')}**")
        if failed:
            for finding in datasets.findings(dataset.version.id, limit=20, severity="error"):
                st.markdown(f":red[{sentence(finding.message)}] {sentence(finding.remedy)}")
        with st.container(horizontal=True, gap="small"):  # the next step comes first
            if not failed:
                navigation.button(
                    "Start Training Job",
                    "new_job",
                    {"dataset": dataset.id},
                    type="primary",
                    icon=":material/model_training:",
                    key=f"train_{key}",
                )
            navigation.button(
                "Open dataset",
                "datasets",
                {"id": dataset.id},
                type="primary" if failed else "secondary",
                icon=":material/dataset:",
                key=f"open_{key}",
            )
            if failed:
                st.button("Start Training Job", disabled=True, help="Fix the errors first.", key=f"train_{key}")
