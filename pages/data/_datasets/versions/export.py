"""The dialog that downloads a version: choose split and format, see what the format leaves out, and the file's name."""

from __future__ import annotations

import streamlit as st

from core.messages import SPLIT_TITLES
from core.services.data import exports
from core.services.data.datasets import DatasetRecord, VersionRecord
from pages.ui import components
from pages.ui.dialogs import dialog
from pages.ui.downloads import download
from pages.ui.format import md, md_code, plural, sentence


@dialog("Download", icon=":material/download:")
def open_dialog(dataset: DatasetRecord, version: VersionRecord) -> None:
    """Download one version as a file."""
    st.caption(f"{md(dataset.name)} · version {version.number} · {plural(version.examples, 'pair')}")
    split = None
    if len(version.parts) > 1:
        parts: dict[str, str] = {"all": "All"} | {part: SPLIT_TITLES[part] for part in version.parts}
        part = components.switch("Split", parts, key="export_split", default="all", labeled=True)
        split = None if part == "all" else part
    formats = exports.EXPORTS
    chosen = st.radio(
        "Format",
        formats.ids(),
        format_func=lambda name: formats.get(name).title,
        captions=[item.text for item in formats],
        key="export_format",
    )
    keep = formats.get(chosen).write_unchanged is not None and st.checkbox(
        "Leave cells that begin like a formula unchanged",
        key="export_formulas",
        help="For programs that read the file. A spreadsheet that opens it runs the cells that begin with = + - or @.",
    )
    with st.spinner("Checking the format…"):
        lost = exports.losses(version.id, chosen, split, keep_formulas=keep)
    if lost:
        st.markdown(":orange[:material/warning: This format leaves something out:]")
        for item in lost:
            st.caption(f":material/remove: {sentence(item.text)}")
    else:
        st.caption(":material/check: The file contains everything.")
    name = exports.filename(version.id, chosen, split)
    st.markdown(f":small[:gray[File] {md_code(name)}]")
    download(
        "Download",
        lambda: exports.export(version.id, chosen, split, keep_formulas=keep),
        file_name=name,
        mime=formats.get(chosen).mime,
        key="export_now",
        primary=True,
    )
