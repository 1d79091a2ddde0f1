"""How a hosted job is doing at its service: its id and status there, checkpoints, the tuned model, the bill."""

from __future__ import annotations

import streamlit as st

from core.services.training import jobs
from core.services.training.hosted import HostedFacts
from core.services.training.jobs import JobRecord
from pages.ui import components
from pages.ui.errors import boundary
from pages.ui.format import md, moment, number, plural, sentence, usd
from pages.ui.tasks import words as task_words

POLL_S = 4.0
MOST_CHECKPOINTS = 10


def sooner(job: JobRecord) -> None:
    """*Start now* for a planned job, *Sync* for one that a service trains."""
    if job.starts_at is not None:
        st.button("Start now", icon=":material/play_arrow:", key="start_now", on_click=_sync, args=(job.id,))
    elif job.hosted and job.hosted.remote_id and job.state in task_words.MOVING - {"paused"}:
        tip = "Asks the service now how the job is doing; otherwise it is asked from time to time."
        st.button("Sync", icon=":material/sync:", key="sync", help=tip, on_click=_sync, args=(job.id,))


def _sync(job_id: str) -> None:
    with boundary():
        jobs.sync(job_id)


def panel(job: JobRecord) -> None:
    """The card of the service; nothing for a job that is trained here."""
    if job.hosted is None:
        return
    moving = job.state in task_words.MOVING
    st.fragment(run_every=POLL_S if moving else None)(_panel)(job.id, [job])
    components.section_gap()


def _panel(job_id: str, first: list[JobRecord]) -> None:
    """The fragment. `first` holds what the full run has read, and is empty afterwards."""
    with boundary():
        job = first.pop() if first else jobs.get_job(job_id)
        if job.hosted is None:
            return
        components.heading("At the service", md(job.hosted.service_title))
        with st.container(border=True, gap="small", key="at_service"):
            components.facts(_rows(job.hosted))
            if job.hosted.trouble and not job.is_terminal:
                st.caption(f":orange[:material/warning: {sentence(job.hosted.trouble)}] It is asked again.")
            _checkpoints(job.hosted)


def _rows(facts: HostedFacts) -> list[tuple[str, str]]:
    rows = [
        ("Connection", f"{facts.connection}  ·  {facts.host}"),
        ("Job id there", facts.remote_id or "not submitted"),
    ]
    if facts.status:
        rows.append(("Status there", facts.status))
    if facts.model:
        rows.append(("Tuned model there", facts.model))
    if facts.trained_tokens:
        rows.append(("Tokens trained", number(facts.trained_tokens)))
    if facts.finish_at:
        rows.append(("Expected end", moment(facts.finish_at)))
    if facts.estimated_usd is not None:
        rows.append(("Estimated cost", usd(facts.estimated_usd)))
    if facts.billed_usd is not None:
        rows.append(("Bill", usd(facts.billed_usd)))
    return rows


def _checkpoints(facts: HostedFacts) -> None:
    if not facts.checkpoints:
        return
    newest = facts.checkpoints[-MOST_CHECKPOINTS:][::-1]
    title = plural(len(facts.checkpoints), "checkpoint")
    with st.expander(title, type="compact", key="checkpoints"):
        components.facts([(f"Step {one.step:,}", one.model or one.id) for one in newest])
        if len(newest) < len(facts.checkpoints):
            st.caption(f"The newest {len(newest)}.")
