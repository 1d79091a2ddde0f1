"""Drafts of new jobs: continue or discard them."""

from __future__ import annotations

import streamlit as st

from core.errors import NotFound
from core.services.data import datasets
from core.services.platform import drafts
from pages.training._new_job.steps import WIZARD
from pages.ui import components
from pages.ui.format import ago, md, plural
from pages.ui.wizard import address

SHOWN = 5
_STEPS = {step.id: step.title for step in WIZARD.steps}


def recent() -> None:
    """The latest drafts; nothing if there are none."""
    unlaunched = drafts.list_open("job")
    if not unlaunched:
        return
    components.section_gap()
    components.heading("Drafts", f"{plural(len(unlaunched), 'job')} not launched yet")
    with st.container(border=True, gap="xsmall", key="drafts"):
        for draft in components.divided(unlaunched[:SHOWN]):
            _row(draft)
    if len(unlaunched) > SHOWN:
        st.caption(f"The latest {SHOWN} of {len(unlaunched)}.")


def _row(draft: drafts.DraftRecord) -> None:
    try:
        name = datasets.get_dataset(str(draft.state.get("dataset_id") or "")).name
    except NotFound:
        name = "no dataset"
    step = _STEPS.get(draft.step, _STEPS["dataset"])
    with components.spread(gap="small"):
        with st.container(gap=None, width="stretch", key=f"rowtext_{draft.id}"):
            st.markdown(f"**{md(draft.state.get('name') or name, 60)}**")
            st.caption(f"{md(name, 40)} · {step} · {ago(draft.updated_at)}")
        with st.container(horizontal=True, width="content", gap="xsmall"):
            if st.button("Continue", key=f"resume_{draft.id}", icon=":material/arrow_forward:"):
                address.open_draft(draft.id, draft.step)
            if st.button("", key=f"discard_{draft.id}", type="tertiary", icon=":material/close:", help="Discard"):
                drafts.discard(draft.id)
                st.rerun()
