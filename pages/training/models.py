"""All models that training jobs created, and the details of one."""

from __future__ import annotations

import streamlit as st

from core.services.training import models
from pages.training._models import bases, card, detail, serving
from pages.ui import components, first_steps, guard, listing
from pages.ui.errors import boundary

guard.require()

LEAD = "The models your training jobs created, each with its base model, its dataset and its final loss."

with boundary(way_out=("models", "All models")):
    if chosen := st.query_params.get("id", ""):
        detail.detail(models.get_model(chosen))
    else:
        components.page_header("Models", LEAD, "Train")
        if not listing.show(card.SCREEN).every:
            first_steps.no_model(
                "deployed_code",
                "No model yet",
                "When a training job succeeds, its model appears here, ready to chat with, compare and download.",
                key="no_models",
            )
        serving.section()
        bases.section()
