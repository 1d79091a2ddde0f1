"""All fine-tuning jobs with their states, and the curves of several runs compared."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from core.services.training import jobs
from core.services.training.metrics import final_loss_text
from pages.training._jobs import compare as job_compare
from pages.ui import components, first_steps, guard, navigation, states
from pages.ui.errors import boundary
from pages.ui.format import ago, duration, md, plural, sentence
from pages.ui.tasks import words as task_words

guard.require()

POLL_S, PER_PAGE, ALL, PAGE = 2.5, 25, "all", "jobs_page"


def header() -> None:
    """Title, and the button for a new job."""
    with components.header_row(
        "Jobs",
        "All supervised fine-tuning jobs: what is running, what is waiting and why, and how each one ended.",
        "Train",
    ):
        navigation.button("New training job", "new_job", icon=":material/add:", type="primary", key="new")


def listing(counts: Counter[str]) -> None:
    """The jobs in the chosen state, newest first; polled while one of them may change."""
    shown = [state for state in task_words.ORDER if counts[state]]
    if len(shown) > 1:
        labels = {ALL: f"All {counts.total()}"} | {s: f"{states.state_of(s).word} {counts[s]}" for s in shown}
        components.switch("State", labels, "state")
    moving = any(state in task_words.MOVING for state in counts)
    st.fragment(run_every=POLL_S if moving else None)(rows)(counts)


def rows(drawn: Counter[str]) -> None:
    """One page of the list, in one card."""
    with st.container(key="live_jobs"), boundary():
        if jobs.count_jobs() != drawn:
            st.rerun()
        state = st.session_state.get("state", ALL)
        total = drawn.total() if state == ALL else drawn[state]
        first = components.first_of_page(total, PER_PAGE, PAGE)
        shown = jobs.list_jobs(state=None if state == ALL else state, limit=PER_PAGE, offset=first)
        with st.container(border=True, gap="xsmall", key="job_list"):
            for job in components.divided(shown):
                row(job)
            if not shown:
                st.caption("No job is in this state now.")
        components.pages(total, PER_PAGE, PAGE)


def row(job: jobs.JobRecord) -> None:
    """One job; its name links to its screen."""
    what = f"{md(job.base_title)} · {md(job.method_title)} · {plural(job.examples, 'training example')}"
    components.list_row(
        job.name,
        f"{what} · {ago(job.created_at)}",
        aside=_aside(job),
        state=job.state,
        link=(navigation.page_file("job"), {"id": job.id}),
    )
    note = task_words.why(job.waiting_reason)
    if job.state == "failed":
        note = job.error.get("message", "")
    if note:
        st.caption(sentence(note))


def _aside(job: jobs.JobRecord) -> str:
    if job.state in ("running", "validating", "queued", "paused"):
        return f"{job.progress:.0f}%"
    if job.state == "succeeded":
        took = f"took {duration(job.duration_s)}" if job.duration_s is not None else ""
        return " · ".join(part for part in (final_loss_text(job.final_loss), took) if part)
    return f"took {duration(job.duration_s)}" if job.duration_s and job.state != "pending" else ""


with boundary():
    counts = jobs.count_jobs()
    if not counts:
        components.page_header(
            "Jobs",
            "All supervised fine-tuning jobs: what is running, what is waiting and why, and how each one ended.",
            "Train",
        )
        first_steps.no_model(
            "monitoring",
            "No training job yet",
            "Choose a validated dataset and a base model. You see the memory and time it takes before anything starts.",
            key="no_jobs",
        )
    else:
        header()
        listing(counts)
        job_compare.panel(jobs.names_of_measured())
