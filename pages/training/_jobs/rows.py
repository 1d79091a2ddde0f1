"""The list of jobs, one row each."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.services.training import jobs
from core.services.training.jobs import JobRecord
from core.services.training.metrics import final_loss_text
from pages.ui import components, listing, states
from pages.ui.format import ago, duration, md, plural, sentence
from pages.ui.methods import method_md
from pages.ui.tasks import words as task_words


def row(job: JobRecord) -> None:
    """One job: what it trains, its state, and why it waits or failed."""
    with components.spread(gap="small"):
        with st.container(gap=None, width="stretch", key=f"rowtext_{job.id}"):
            listing.opener(job.id, job.name, "job", {"id": job.id})
            method = method_md(job.method, job.method_title)
            what = f"{md(job.base_title)} · {method} · {plural(job.examples, 'training example')}"
            st.caption(f"{what} · {ago(job.created_at)}")
        resumes = components.badge_md("Waiting to resume", "orange", "healing")
        badge = resumes if job.waiting_to_resume else states.badge_md(job.state)
        aside = _aside(job)
        st.markdown(f":small[:gray[{aside}]]\u2002{badge}" if aside else badge, width="content")
    note = task_words.why(job.waiting_reason)
    if job.state == "failed":
        note = job.error.get("message", "")
    if note:
        st.caption(sentence(note))


def _aside(job: JobRecord) -> str:
    if job.state in ("running", "validating", "queued", "paused"):
        return f"{job.progress:.0f}%"
    if job.state == "succeeded":
        lasted = f"duration {duration(job.duration_s)}" if job.duration_s is not None else ""
        return " · ".join(part for part in (final_loss_text(job.final_loss), lasted) if part)
    return f"duration {duration(job.duration_s)}" if job.duration_s and job.state != "pending" else ""


SCREEN: Final = listing.ListScreen(
    noun="job",
    title="job",
    listing=jobs.LISTING,
    look_up=jobs.look_up,
    draw=row,
    archive=jobs.archive,
    restore=jobs.restore,
    naming=listing.Naming(jobs.rename, jobs.dependents, jobs.delete, longest=jobs.MAX_NAME),
    words={"state": lambda state: states.state_of(state).word},
    ended=lambda job: job.is_terminal,
    moving=task_words.MOVING,
)
