"""The Provenance tab: where the examples came from and what was created from them."""

from __future__ import annotations

import streamlit as st

from core.services.data import conversion
from core.services.data.datasets import DatasetRecord
from pages.data._datasets import lineage
from pages.data._datasets.cards import origin
from pages.ui import components
from pages.ui.format import moment, number


def provenance(dataset: DatasetRecord) -> None:
    """Draw the tab: the lineage, the origin, the manifest."""
    components.heading("From source to model", "every step before and after this version")
    lineage.picture(dataset)
    components.section_gap()
    components.heading("Origin", f"version {dataset.version.number}")
    with st.container(border=True):
        components.facts(_origin_facts(dataset))
    with st.expander("Full manifest", icon=":material/data_object:"):
        st.json(dataset.version.manifest.to_dict(), expanded=1)


def _origin_facts(dataset: DatasetRecord) -> list[tuple[str, str]]:
    manifest = dataset.version.manifest
    source, recipe, counts = manifest.source, manifest.recipe or {}, manifest.counts
    mapping = recipe.get("mapping") or {}
    pairs: list[tuple[str, object]] = [
        ("Origin", origin(dataset)),
        ("File", source and source.filename),
        ("Format", source and source.format),
        ("Encoding", source and source.encoding),
        ("SHA-256", source and source.sha256),
        ("Known shape", recipe.get("shape") and conversion.shape_title(recipe["shape"])),
        ("Template", recipe.get("template") and conversion.template_title(recipe["template"])),
        *conversion.columns_by_part(recipe.get("template"), mapping),
        ("Rows read", counts.read),
        ("Rows accepted", counts.accepted),
        ("Rows left out", counts.rejected),
        ("Held out", f"{number(dataset.version.validation_examples)} (seed {manifest.split.seed})"),
        ("For testing", dataset.version.test_examples or None),
        ("Created", moment(dataset.created_at)),
    ]
    return [
        (name, f"{value:,}" if isinstance(value, int) else str(value))
        for name, value in pairs
        if value not in (None, "")
    ]
