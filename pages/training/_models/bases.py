"""The base models that users added, on the screen of all models: add, follow, remove."""

from __future__ import annotations

import streamlit as st

from core.services.training import own_bases
from core.services.training.choices import BaseModelRef
from pages.ui import add_base, components
from pages.ui.dialogs import dialog
from pages.ui.format import md, plural, sentence, size


def section() -> None:
    """Your own base models below the tuned ones."""
    components.section_gap()
    found = own_bases.list_own()
    components.heading("Your base models", f"{len(found)} added" if found else None)
    st.caption("What jobs can start from, besides the starter and the catalog: a directory, a GGUF file, or a Hub id.")
    add_base.unfinished()
    for base in found:
        _row(base)
    add_base.button("models")


def _row(base: BaseModelRef) -> None:
    with st.container(border=True, gap=None, key=f"own_{base.id}"), components.spread(gap="small", wrap=False):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{md(base.title)}**")
            facts = (f"{base.size} parameters" if base.size else "", base.license, base.note)
            st.caption(md(" · ".join(part.rstrip(".") for part in facts if part)))
            st.caption(md(str(base.path)))
            if base.unusable:
                st.markdown(f":small[:red[{md(sentence(base.reason))}] {md(sentence(base.command))}]")
        if st.button("", icon=":material/delete:", type="tertiary", key=f"remove_{base.id}", help="Remove"):
            remove_dialog(base)


@dialog("Remove this base model?")
def remove_dialog(base: BaseModelRef) -> None:
    kept = own_bases.keeps_files(base)
    after = f"Its files stay in {base.path}." if kept else "What was restored is deleted; the GGUF file is not touched."
    st.markdown(f"**{md(base.title)}** no longer appears for new jobs and in Chat. {md(after)}")
    if made := own_bases.gguf_bytes(base):
        st.markdown(f"The GGUF file made of it for llama.cpp ({size(made)}) is deleted.")
    if archived := own_bases.archived_on(base):
        models = f"{plural(archived, 'archived model')} cannot answer without it"
        st.markdown(f":orange[:material/warning:] {models}, until it is added again.")
    if st.button("Remove", type="primary", key="remove_base_confirm"):
        own_bases.remove(base.id)
        st.rerun()
