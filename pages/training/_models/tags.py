"""The tags of a model, on its own screen."""

from __future__ import annotations

import streamlit as st

from core.services.training import models
from core.services.training.models import ModelRecord
from pages.ui.errors import boundary


def field(model: ModelRecord) -> None:
    """Choose among the tags that exist, or type a new one; each change is saved."""
    key = f"tags_{model.id}"
    if st.session_state.get(key) != list(model.tags):
        st.session_state[key] = list(model.tags)
    st.multiselect(
        "Tags",
        sorted({*models.all_tags(), *model.tags}),
        key=key,
        accept_new_options=True,
        placeholder="Add a tag, such as production",
        label_visibility="collapsed",
        on_change=_save,
        args=(model.id, key),
    )


def _save(model_id: str, key: str) -> None:
    with boundary():
        models.set_tags(model_id, st.session_state[key])
        st.toast("Tags saved", icon=":material/check:")
