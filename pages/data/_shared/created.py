"""The card of a dataset that an import or a conversion just created."""

from __future__ import annotations

import streamlit as st

from core.errors import NotFound
from core.services.data import datasets
from core.services.data.results import DatasetResult
from pages.ui import components, navigation, states
from pages.ui.format import md, plural, sentence


def created(result: DatasetResult, key: str) -> None:
    """What a finished import or conversion made, and where to go from here."""
    try:
        dataset = datasets.get_dataset(result.dataset_id)
    except NotFound:
        st.caption("The dataset that came of this was deleted since.")
        return
    unfit = dataset.state == "failed"
    with st.container(border=True, gap="small", key=f"on_done_{key}"):
        mark = ":orange[:material/warning:]" if unfit else ":green[:material/check_circle:]"
        badges = f"{components.badge_md('✓ Supervised', 'green')} {states.badge_md(dataset.state)}"
        st.markdown(f"**{mark} {md(dataset.name)}** {badges}")
        st.markdown(f"Labeled Examples: **{plural(dataset.version.examples, 'pair')}**")
        if unfit:
            for found in datasets.findings(dataset.version.id, limit=20, severity="error"):
                if found.line is None:  # about the set as a whole: what keeps it from training
                    st.markdown(f":red[{sentence(found.message)}] {sentence(found.remedy)}")
        with st.container(horizontal=True, gap="small"):
            if st.button("Open dataset", type="primary", icon=":material/dataset:", key=f"open_{key}"):
                st.switch_page(navigation.page_file("datasets"), query_params={"id": dataset.id})
            if navigation.exists("new_job") and st.button(
                "Start Training Job",
                disabled=unfit,
                help="Errors were found; they need fixing first." if unfit else None,
                key=f"train_{key}",
            ):
                st.switch_page(navigation.page_file("new_job"), query_params={"dataset": dataset.id})
