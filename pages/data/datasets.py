"""Datasets: a wall of cards; with `?id=` one dataset: examples, quality, findings, statistics, versions, provenance,
variations, and what a model reads."""

from __future__ import annotations

import streamlit as st

from core.services.data import datasets
from pages.data._datasets import render_preview, variations, wall
from pages.data._datasets.detail import head, summary, watch_validation
from pages.data._datasets.editing import change as dataset_change
from pages.data._datasets.examples import examples
from pages.data._datasets.findings import findings
from pages.data._datasets.provenance import provenance
from pages.data._datasets.quality import panel as quality_panel
from pages.data._datasets.statistics import statistics
from pages.data._datasets.versions import panel as versions_panel
from pages.ui import components, guard
from pages.ui.errors import boundary

guard.require()


def show_one(dataset_id: str) -> None:
    """One dataset: its head, its figures and its tabs."""
    dataset = datasets.get_dataset(dataset_id)
    head(dataset)
    watch_validation(dataset)
    dataset_change.news(dataset)
    summary(dataset)
    components.section_gap()
    views = {
        "Examples": examples,
        "Quality": quality_panel.panel,
        "Findings": findings,
        "Statistics": statistics,
        "Versions": versions_panel.panel,
        "Provenance": provenance,
        "Variations": variations.panel,
        "Render preview": render_preview.panel,
    }
    for tab, show in zip(st.tabs(list(views), key="view", bind="query-params"), views.values(), strict=True):
        if tab.open:
            with tab, boundary():
                show(dataset)


with boundary(way_out=("datasets", "All datasets")):
    dataset_id = st.query_params.get("id")
    if dataset_id:
        show_one(dataset_id)
    else:
        wall.show()
