"""The examples that the chosen base model's chat template refuses, with what to do about them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services.platform import drafts
from core.services.training import choices, jobs
from core.services.training.choices import TrainingConfig
from pages.ui import components
from pages.ui.format import md
from pages.ui.forms import form_fields
from pages.ui.wizard import draft_state

_SETTING = "on_refusal"


def refused_examples(draft: drafts.DraftRecord, version_id: str) -> None:
    """Draw them, by line, with the choice that the job's spec keeps; nothing where the template accepts all.

    Without a chosen base model it is the one that the next step suggests.
    """
    ready, _ = jobs.catalog()
    base_id = draft.state.get("base_model") or (ready[0].id if ready else None)
    if base_id is None:
        return
    with st.spinner("Checking the examples against the chat template"):
        refusals = jobs.refusals(version_id, base_id)
    if not refusals.count:
        return
    training: dict[str, Any] = dict(draft.state.get("training") or {})
    components.section_gap()
    components.heading("Refused examples", md(choices.resolve(base_id).title, 30))
    with st.container(border=True, gap="small", key="refusals"):
        st.markdown(f":orange[:material/warning:] {md(refusals.text)}")
        chosen = form_fields(TrainingConfig, training, draft_state.key(draft, "refusals"), [_SETTING])[_SETTING]
        st.caption(md(refusals.consequence(chosen)))
    if chosen != training.get(_SETTING, TrainingConfig.model_fields[_SETTING].default):
        draft_state.save(draft, training=training | {_SETTING: chosen})
        st.rerun()
