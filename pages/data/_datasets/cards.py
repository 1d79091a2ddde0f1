"""The wall of dataset cards."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.data.datasets import DatasetRecord
from pages.ui import components, navigation, states
from pages.ui.format import day, md, plural, size

SUPERVISED = components.badge_md("✓ Supervised", "green")
_PER_PAGE = 24


def wall(all_datasets: Sequence[DatasetRecord]) -> None:
    """The datasets as cards, with their totals above."""
    ready = sum(dataset.state == "validated" for dataset in all_datasets)
    total = sum(dataset.examples for dataset in all_datasets)
    shown = components.searched(all_datasets, lambda dataset: dataset.name, key="search")
    components.heading(
        plural(len(all_datasets), "dataset"),
        f"{plural(total, 'labeled example')} · {ready} ready for supervised learning",
    )
    if not shown:
        st.caption("No dataset name contains that.")
    with st.grid(3, min_column_width=250):
        for dataset in components.page_of(shown, _PER_PAGE, "wall_page"):
            card(dataset)
    components.pages(len(shown), _PER_PAGE, "wall_page")


def card(dataset: DatasetRecord) -> None:
    """One dataset: name, badge, state, labeled examples, size, format, date of creation."""
    with st.container(
        border=True, height="stretch", vertical_alignment="distribute", gap="small", key=f"ds_{dataset.id}"
    ):
        with st.container(gap="xxsmall"):
            st.markdown(f"**{md(dataset.name, 60)}**")
            st.markdown(f":small[{SUPERVISED} {states.badge_md(dataset.state)}]")
            if dataset.description:
                st.caption(md(dataset.description, 120))
        with st.container(gap="xxsmall"):
            st.markdown(f"Labeled Examples: **{plural(dataset.examples, 'pair')}**")
            facts = [size(dataset.version.size_bytes), origin(dataset), day(dataset.created_at)]
            st.caption(" · ".join(fact for fact in facts if fact))
            navigation.button("Open", "datasets", {"id": dataset.id}, width="stretch", key=f"open_{dataset.id}")


_ORIGINS = {
    "upload": "uploaded",
    "convert": "converted",
    "sample": "shipped sample",
    "cli": "command line",
    "smart": "written by a model",
    "mix": "mixed",
    "manual": "written by hand",
    "chat_import": "imported conversations",
}


def origin(dataset: DatasetRecord) -> str:
    """The format of the dataset's file, or another origin such as `written by hand`."""
    return dataset.version.format.upper() or _ORIGINS.get(dataset.origin, dataset.origin)
