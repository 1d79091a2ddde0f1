"""All models that training jobs created, and the details of one."""

from __future__ import annotations

import streamlit as st

from core.services.training import models
from pages.training._models import bases, card, detail
from pages.ui import components, first_steps, guard
from pages.ui.errors import boundary
from pages.ui.format import plural

guard.require()

PER_PAGE = 24
LEAD = "The models your training jobs created, each with its base model, its dataset and its final loss."

with boundary(way_out=("models", "All models")):
    found = models.list_models(include_archived=True)
    chosen = st.query_params.get("id", "")
    if chosen:
        detail.detail(models.get_model(chosen))
    elif not found:
        components.page_header("Models", LEAD, "Train")
        first_steps.no_model(
            "deployed_code",
            "No model yet",
            "When a training job succeeds, its model appears here, ready to chat with, compare and download.",
            key="no_models",
        )
        bases.section()
    else:
        active = [model for model in found if model.state == "active"]
        components.page_header("Models", LEAD, "Train")
        archived = len(found) - len(active)
        shown = found if archived and st.toggle(f"Show {archived} archived", key="archived") else active
        components.heading(plural(len(shown), "model"), "Newest first")
        if not shown:
            st.caption("All models are archived.")
        with st.grid(2, min_column_width=300):
            for model in components.page_of(shown, PER_PAGE, "models_page"):
                card.card(model)
        components.pages(len(shown), PER_PAGE, "models_page")
        bases.section()
