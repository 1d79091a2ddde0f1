"""Step 1 of the conversion wizard: a file, a sample to try, or a conversion that was begun earlier."""

from __future__ import annotations

import streamlit as st

from core.services.data import sources
from core.services.data.sources import samples
from core.services.platform import drafts
from core.services.platform.drafts import BegunRecord
from pages.data._convert.draft import IDS, begin
from pages.ui import components, states
from pages.ui.format import ago, md
from pages.ui.uploads import drop_zone, from_this_server

_SHOWN = 5
_MODES = {"guided": "Guided", "smart": "Smart"}
_ASKED, _ALL = "discard_asked", "all_drafts"


def begin_step() -> None:
    """A file of one's own, a sample, or what was begun earlier."""
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("Your table", f"{sources.format_labels()}, up to 100 MB")
        stored = drop_zone("convert", "A table of any kind") or from_this_server("convert")
        if stored is not None:
            begin(stored.id)
        components.section_gap()
        components.heading("No table at hand?", "files to try")
        _samples()
    with side:
        _begun()


def _samples() -> None:
    with st.grid(3, min_column_width=150):
        for sample in samples.tables():
            with st.container(
                border=True,
                height="stretch",
                vertical_alignment="distribute",
                gap="xsmall",
                key=f"sample_{sample.filename.partition('.')[0]}",
            ):
                with st.container(gap="xxsmall"):
                    st.markdown(f"**:blue[:material/{sample.icon}:] {sample.title}**")
                    st.caption(sample.text)
                if st.button("Try it", key=f"use_{sample.filename.partition('.')[0]}"):
                    begin(samples.ingest_table(sample.filename).id)


def _begun() -> None:
    found = drafts.begun("convert")
    components.heading("Begun earlier", f"{len(found)} kept" if found else None)
    if not found:
        with st.container(border=True):
            st.caption("A conversion that you leave halfway is kept here, with its file and every choice.")
        return
    shown = found if st.session_state.get(_ALL) else found[:_SHOWN]
    with st.container(border=True, gap="xsmall", key="open_drafts"):
        for index, draft in enumerate(shown):
            if index:
                st.divider()
            if st.session_state.get(_ASKED) == draft.id:
                _ask_discard(draft)
            else:
                _row(draft)
    if len(found) > len(shown) and st.button(f"Show all {len(found)}", type="tertiary", key="show_all_drafts"):
        st.session_state[_ALL] = True
        st.rerun()


def _row(draft: BegunRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{_title(draft)}**")
            st.caption(f"{_MODES.get(draft.mode, draft.mode)} · {_place(draft)} · {ago(draft.updated_at)}")
        settled = draft.state in ("open", "failed", "cancelled")
        if settled and st.button(
            "", icon=":material/delete:", type="tertiary", help="Discard this draft", key=f"discard_{draft.id}"
        ):
            st.session_state[_ASKED] = draft.id
            st.rerun()
        if draft.filename is not None and st.button(
            "Continue" if settled or draft.state == "paused" else "Open", key=f"continue_{draft.id}"
        ):
            st.query_params["draft"] = draft.id
            st.rerun()


def _ask_discard(draft: BegunRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"Discard **{_title(draft)}**?")
            st.caption("Its choices are lost; datasets made from the file stay.")
        if st.button("Keep", key=f"keep_{draft.id}", type="tertiary"):
            st.session_state.pop(_ASKED, None)
            st.rerun()
        if st.button("Discard", key=f"discard_now_{draft.id}"):
            drafts.discard(draft.id)
            st.session_state.pop(_ASKED, None)
            st.toast("The draft was discarded.", icon=":material/delete:")
            st.rerun()


def _title(draft: BegunRecord) -> str:
    if draft.filename is None:
        return "A file that is gone"
    return md(draft.name or draft.filename, 40)


def _place(draft: BegunRecord) -> str:
    if draft.state == "open":
        return f"step {IDS.index(draft.step) + 1 if draft.step in IDS else 1} of {len(IDS)}"
    word = states.state_of(draft.state).word.lower()
    return f"{word}, {draft.progress:.0f}%" if draft.state in ("running", "paused") else word
