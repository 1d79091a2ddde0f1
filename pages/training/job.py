"""One fine-tuning job: live progress, loss curves, events, and the actions available."""

from __future__ import annotations

import streamlit as st

from core.services.training import jobs
from pages.training._job import (
    facts as job_facts,
    first_batch as job_first_batch,
    hosted as job_hosted,
    live as job_live,
    losses as job_losses,
)
from pages.training._jobs.rows import SCREEN
from pages.ui import components, guard, listing, navigation, states
from pages.ui.errors import boundary
from pages.ui.format import md, plural
from pages.ui.methods import method_md
from pages.ui.tasks import actions as task_actions

guard.require()


def header(job: jobs.JobRecord) -> None:
    """Name, state, base model, method and dataset, and the actions available in this state."""
    where = f"Jobs · {md(job.base_title)} · {method_md(job.method, job.method_title)} · {md(job.dataset_name)}"
    pairs = plural(job.examples, "training example")
    archived = f" {states.badge_md('archived')}" if job.archived_at else ""
    badge = components.badge_md("Waiting to resume", "orange", "healing") if job.waiting_to_resume else ""
    with components.header_row(
        md(job.name), md(job.description), f"{where} · {pairs}", (badge or states.badge_md(job.state)) + archived
    ):
        listing.on_its_own(
            SCREEN,
            job.id,
            job.name,
            archived=job.archived_at is not None,
            can_archive=job.is_terminal,
            gone=lambda: navigation.go("jobs"),
        )
        job_hosted.sooner(job)
        kind = "hosted_training" if job.hosted else "training"
        task_actions.buttons(
            job.actions, lambda action: jobs.request(job.id, action), key="job", kind=kind, asked=job.command
        )
        if job.model_id:
            open_model(job.model_id)


def open_model(model_id: str) -> None:
    """Links to the finished model, to judge what it learned."""
    navigation.button("See the model", "models", {"id": model_id}, icon=":material/deployed_code:", key="to_model")
    navigation.button("Chat", "chat", {"model": model_id}, icon=":material/forum:", key="to_chat")
    if st.button("Compare base and tuned", icon=":material/compare_arrows:", key="to_compare", type="primary"):
        navigation.go("compare", {"model": model_id})


def again(job: jobs.JobRecord) -> None:
    """Back to the list, or a new job with the same choices and this one as its parent."""
    st.divider()
    with components.spread():
        navigation.button("All jobs", "jobs", icon=":material/arrow_back:", type="tertiary", key="back")
        if job.started_at is not None:  # before, a change belongs into this job: stop it and set up another
            navigation.button(
                "Train again with changes", "new_job", {"again": job.id}, icon=":material/edit:", key="again"
            )


with boundary(way_out=("jobs", "All jobs")):
    job_id = st.query_params.get("id", "")
    if not job_id:
        components.page_header("Job", "The progress and the result of one fine-tuning job.", "Jobs")
        components.empty(
            "monitoring",
            "No job selected",
            "Choose a job from the list to see its progress.",
            "Open the list of jobs",
            key="no_job",
            opens="jobs",
        )
    else:
        job = jobs.get_job(job_id)
        header(job)
        job_hosted.panel(job)
        job_live.draw(job)
        if job.model_id:
            job_losses.panel(job.model_id)
        job_facts.forecast_and_measured(job)
        if job.hosted is None:
            job_first_batch.section(job.id)
        job_facts.settings(job)
        again(job)
