"""All fine-tuning jobs with their states, and the curves of several runs compared."""

from __future__ import annotations

from core.services.training import jobs
from pages.training._jobs import compare as job_compare
from pages.training._jobs.rows import SCREEN
from pages.ui import components, first_steps, guard, listing, navigation
from pages.ui.errors import boundary

guard.require()

LEAD = "All supervised fine-tuning jobs: what is running, what is waiting and why, and how each one ended."

with boundary():
    if jobs.count_jobs(include_archived=True):
        with components.header_row("Jobs", LEAD, "Train"):
            navigation.button("New training job", "new_job", icon=":material/add:", type="primary", key="new")
        listing.show(SCREEN)
        job_compare.panel(jobs.names_of_measured())
    else:
        components.page_header("Jobs", LEAD, "Train")
        first_steps.no_model(
            "monitoring",
            "No training job yet",
            "Choose a validated dataset and a base model. You see the memory and time it takes before anything starts.",
            key="no_jobs",
        )
