"""The list of datasets as cards."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.services.data import datasets, sources
from core.services.data.datasets import DatasetRecord
from core.services.platform.listing import Slice
from pages.ui import components, listing, states
from pages.ui.format import day, md, plural, size

SUPERVISED = components.badge_md("✓ Supervised", "green")


def card(dataset: DatasetRecord) -> None:
    """One dataset: name, badge, state, labeled examples, size, format, date of creation."""
    listing.opener(dataset.id, dataset.name, "datasets", {"id": dataset.id}, here=True)
    st.markdown(f":small[{SUPERVISED} {states.badge_md(dataset.state)}]")
    if dataset.description:
        st.caption(md(dataset.description, 120))
    st.markdown(f"Labeled Examples: **{plural(dataset.examples, 'pair')}**")
    if left_out := dataset.version.left_out_text:
        st.markdown(f":small[:orange[:material/block: {md(left_out)}]]")
    facts = [size(dataset.version.size_bytes), origin(dataset), day(dataset.created_at)]
    st.caption(" · ".join(fact for fact in facts if fact))


_ORIGINS = {
    "upload": "uploaded",
    "convert": "converted",
    "sample": "shipped sample",
    "cli": "command line",
    "smart": "written by a model",
    "mix": "mixed",
    "manual": "written by hand",
    "chat_import": "imported conversations",
    "feedback": "from feedback",
}


def origin(dataset: DatasetRecord) -> str:
    """The format of the dataset's file, or another origin such as `written by hand`."""
    format_id = dataset.version.format
    return sources.format_label(format_id) if format_id else _ORIGINS.get(dataset.origin, dataset.origin)


def _totals(found: Slice) -> str:
    ready = found.counts["state"].get("validated", 0)
    return f"{plural(found.sums['examples'], 'labeled example')} · {ready} ready for supervised learning"


SCREEN: Final = listing.ListScreen(
    noun="dataset",
    title="dataset",
    listing=datasets.LISTING,
    look_up=datasets.look_up,
    draw=card,
    archive=datasets.archive,
    restore=datasets.restore,
    naming=listing.Naming(datasets.rename, datasets.dependents, datasets.delete, longest=200),
    words={
        "state": lambda state: states.state_of(state).word,
        "origin": lambda made: _ORIGINS.get(made, made).capitalize(),
    },
    cards=3,
    remark=_totals,
)
