"""The Versions tab: the history with restore and export, and the difference between any two versions."""

from __future__ import annotations

import streamlit as st

from core.services.data.datasets import DatasetRecord, edits as dataset_edits
from core.services.data.datasets.edits import VersionChange
from pages.data._datasets.editing.change import bring_back, counts_text
from pages.data._datasets.versions import diff, export
from pages.ui import components
from pages.ui.format import md, moment, plural, sentence, set_apart, size

SHOWN = 10


def panel(dataset: DatasetRecord) -> None:
    """Draw the tab."""
    changes = dataset_edits.history(dataset.id)
    components.heading("History", "versions never change; a training job stays on its version")
    key = f"all_versions_{dataset.id}"
    shown = changes if st.session_state.get(key) else changes[:SHOWN]
    with st.container(border=True, gap="small", key="versions"):
        for change in components.divided(shown):
            _row(dataset, change, changes)
        if len(shown) < len(changes) and st.button(
            f"Show all {plural(len(changes), 'version')}", type="tertiary", icon=":material/expand_more:", key="older"
        ):
            st.session_state[key] = True
            st.rerun()
    if len(changes) > 1:
        components.section_gap()
        diff.panel(dataset, changes)


def _row(dataset: DatasetRecord, change: VersionChange, changes: list[VersionChange]) -> None:
    version = change.version
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="top", gap="small", key=f"v_{version.id}"
    ):
        with st.container(gap="xxsmall", width="stretch", key=f"rowtext_{version.id}"):
            newest = components.badge_md("latest", "blue") if change.current else ""
            st.markdown(f"**Version {version.number}** · {sentence(change.what)} {newest}")
            if change.why:
                st.markdown(f":gray[“{md(change.why, 300)}”]")
            made = counts_text(change.added, change.removed, change.changed) if change.operation else ""
            facts = [
                plural(version.examples, "pair"),
                set_apart(version.validation_examples, version.test_examples),
                md(version.left_out_text),
                made,
                size(version.size_bytes),
                moment(version.created_at),
            ]
            st.caption(" · ".join(fact for fact in facts if fact), help=f"SHA-256 of the examples: {version.sha256}")
        with st.container(horizontal=True, width="content", gap="small"):
            if change is not changes[-1] and st.button(
                "Compare", icon=":material/difference:", type="tertiary", key=f"compare_{version.id}"
            ):
                diff.choose(dataset, version, changes)
            if not change.current and st.button(
                "Restore",
                icon=":material/settings_backup_restore:",
                type="tertiary",
                help="Creates a new version with this content. The versions in between remain.",
                key=f"restore_{version.id}",
            ):
                bring_back(dataset, version.id)
            if st.button("Download", icon=":material/download:", type="tertiary", key=f"export_{version.id}"):
                export.open_dialog(dataset, version)
