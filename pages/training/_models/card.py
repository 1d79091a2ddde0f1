"""The list of models as cards, and the buttons that lead to Chat and Compare."""

from __future__ import annotations

from typing import Final, Literal

import streamlit as st

from core.services.training import jobs, models
from core.services.training.metrics import final_loss_text
from core.services.training.models import ModelRecord
from pages.ui import components, listing, navigation
from pages.ui.format import ago, md, short, size
from pages.ui.methods import method_md


def card(model: ModelRecord) -> None:
    """One model: name, state, origin, loss, size, and links to Chat and Compare."""
    listing.opener(model.id, model.name, "models", {"id": model.id}, here=True)
    method = method_md(model.method, model.method_title)
    st.caption(f"{md(model.base_title)} · {method} · {md(model.dataset_name, 40)}")
    if model.notes:
        st.caption(md(short(model.notes, 120)))
    with components.spread(gap="xsmall"):
        facts = (final_loss_text(model.final_loss), size(model.size_bytes), ago(model.created_at))
        st.markdown(f":small[{' · '.join(fact for fact in facts if fact)}]", width="content")
        ways_on(model, "card")


def ways_on(model: ModelRecord, place: str, primary: bool = False) -> None:
    """Buttons for Chat and Compare; `place` makes their keys unique."""
    kind: Literal["secondary", "tertiary"] = "secondary" if primary else "tertiary"
    with st.container(horizontal=True, width="content", gap="small"):
        if model.state != "active":
            st.caption("Restore this model to use it.")
            return
        if st.button("Chat", icon=":material/chat:", key=f"chat_{place}_{model.id}", type=kind):
            navigation.go("chat", {"model": model.id})
        navigation.button(
            "Compare with base" if primary else "Compare",
            "compare",
            {"model": model.id},
            icon=":material/compare_arrows:",
            key=f"compare_{place}_{model.id}",
            type="primary" if primary else kind,
        )


SCREEN: Final = listing.ListScreen(
    noun="model",
    title="model",
    listing=models.LISTING,
    look_up=models.look_up,
    draw=card,
    archive=models.archive,
    restore=models.restore,
    naming=listing.Naming(models.rename, models.dependents, models.delete, longest=jobs.MAX_NAME),
    cards=2,
)
