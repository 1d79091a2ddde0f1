"""Evaluate: models answer the same examples; their figures, the verdict on a new one, and its worst answers."""

from __future__ import annotations

import streamlit as st

from core.services.serving import chat, evaluating
from pages.serving._evaluate import board, detail, form, rows
from pages.ui import components, first_steps, guard, listing, navigation
from pages.ui.errors import boundary

guard.require()

LEAD = "Models answer the same examples. The figures say which is better; the verdict says whether it may be deployed."

with boundary(way_out=("evaluate", "All evaluations")):
    if chosen := st.query_params.get("id", ""):
        detail.show(evaluating.get(chosen))
    elif st.query_params.get("new"):
        form.show()
    else:
        available = chat.available_models()
        with components.header_row("Evaluate", LEAD, "Use"):
            if available and st.button("New evaluation", icon=":material/add:", type="primary", key="new_evaluation"):
                navigation.go("evaluate", {"new": "1"})
        if not available:
            first_steps.no_model(
                "balance",
                "No model to evaluate yet",
                "Train a model: it answers the test split of its dataset here, against its base.",
                key="no_evaluations",
            )
        elif not listing.show(rows.SCREEN).every and components.empty(
            "balance",
            "No evaluation yet",
            "Let a tuned model and its base answer the test split of a dataset. The verdict says whether to ship it.",
            "New evaluation",
            key="first_evaluation",
            primary=False,
        ):
            navigation.go("evaluate", {"new": "1"})
        board.show()
