"""The drafts of a wizard that were not finished: continue one, or discard it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.platform import drafts
from core.services.platform.drafts import UnfinishedDraft
from pages.ui import components, states
from pages.ui.format import ago, md
from pages.ui.wizard import address

_SHOWN = 5
_MODES = {"guided": "Guided", "smart": "Smart"}
_ASKED, _ALL = "discard_asked", "all_drafts"


def unfinished(kind: str, steps: Sequence[str], nothing: str) -> None:
    """The list of drafts of a kind; `nothing` explains an empty one. `steps` are the ids of the wizard's steps."""
    saved = drafts.unfinished(kind)
    components.heading("Drafts", f"{len(saved)} saved" if saved else None)
    if not saved:
        with st.container(border=True):
            st.caption(nothing)
        return
    shown = saved if st.session_state.get(_ALL) else saved[:_SHOWN]
    with st.container(border=True, gap="xsmall", key="open_drafts"):
        for draft in components.divided(shown):
            if st.session_state.get(_ASKED) == draft.id:
                _ask_discard(draft)
            else:
                _row(draft, steps)
    if len(saved) > len(shown) and st.button(f"Show all {len(saved)}", type="tertiary", key="show_all_drafts"):
        st.session_state[_ALL] = True
        st.rerun()


def _row(draft: UnfinishedDraft, steps: Sequence[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"**{_title(draft)}**")
            mode = [_MODES[draft.mode]] if draft.kind == "convert" and draft.mode in _MODES else []
            st.caption(" · ".join([*mode, _place(draft, steps), ago(draft.updated_at)]))
        settled = draft.state in ("open", "failed", "cancelled")
        if settled and st.button(
            "", icon=":material/delete:", type="tertiary", help="Discard this draft", key=f"discard_{draft.id}"
        ):
            st.session_state[_ASKED] = draft.id
            st.rerun()
        if draft.filename is not None and st.button(
            "Continue" if settled or draft.state == "paused" else "Open", key=f"continue_{draft.id}"
        ):
            address.open_draft(draft.id, draft.step)


def _ask_discard(draft: UnfinishedDraft) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="ask_discard"):
        with st.container(gap=None, width="stretch"):
            st.markdown(f"Discard **{_title(draft)}**?")
            st.caption("Its choices are deleted; datasets created from the file are not.")
        if st.button("Keep", key=f"keep_{draft.id}", type="tertiary"):
            st.session_state.pop(_ASKED, None)
            st.rerun()
        if st.button("Discard", key=f"discard_now_{draft.id}"):
            drafts.discard(draft.id)
            st.session_state.pop(_ASKED, None)
            st.toast("The draft was discarded.", icon=":material/delete:")
            st.rerun()


def _title(draft: UnfinishedDraft) -> str:
    if draft.filename is None:
        return "Deleted file"
    return md(draft.name or draft.filename, 40)


def _place(draft: UnfinishedDraft, steps: Sequence[str]) -> str:
    if draft.state == "open":
        return f"step {steps.index(draft.step) + 1 if draft.step in steps else 1} of {len(steps)}"
    word = states.state_of(draft.state).word.lower()
    return f"{word}, {draft.progress:.0f}%" if draft.state in ("running", "paused") else word
