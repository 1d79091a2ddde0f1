"""The queue of all work: what is planned, waits, is in work, and has ended; and the workers."""

from __future__ import annotations

import streamlit as st

from pages.platform._background_jobs.rows import SCREEN
from pages.ui import components, first_steps, guard, listing
from pages.ui.errors import boundary
from pages.ui.tasks import workers

guard.require()

WORKERS_S = 5.0

with boundary():
    components.page_header(
        "Background jobs", "Long-running work, which continues while you do something else.", "Studio"
    )
    if not listing.show(SCREEN).every:
        first_steps.no_data(
            "view_timeline",
            "No background jobs yet",
            "Conversions, training runs and tests appear here while they run, and remain as history.",
            key="no_tasks",
        )
    components.section_gap()
    st.fragment(run_every=WORKERS_S)(workers.panel)()
