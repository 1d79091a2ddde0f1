"""The first steps of a studio: where to start while it has no data, and what an empty screen leads to."""

from __future__ import annotations

import streamlit as st

from core.services.data import datasets
from core.services.training import jobs
from core.services.training.jobs import JobRecord
from pages.ui import components, navigation
from pages.ui.format import md

DEMO = ("Try the demo", "demo")
DATA = (("Convert data", "convert"), ("Upload", "upload"), ("Import conversations", "import_conversations"))
WATCH = "Watch the job"
_JOB = ("Start Training Job", "new_job")
_NEWEST = 20  # jobs among which an unfinished one is searched


def no_model(icon: str, title: str, text: str, key: str) -> None:
    """The empty state of a screen that needs a model: to the job that makes one, to a new job where there is a dataset
    for it, else to the demo."""
    if job := coming():
        components.empty(icon, title, _when_it_comes(job), WATCH, key, opens="job", query={"id": job.id})
        return
    ready = any(dataset.state == "validated" for dataset in datasets.choices())
    first, second = (_JOB, DEMO) if ready else (DEMO, _JOB)
    components.empty(icon, title, text, first[0], key, opens=first[1], others=(second,))


def no_data(icon: str, title: str, text: str, key: str, primary: bool = True) -> None:
    """The empty state of a screen that needs a dataset: the demo first, then the ways to bring data."""
    components.empty(icon, title, text, DEMO[0], key, primary, opens=DEMO[1], others=DATA)


def coming() -> JobRecord | None:
    """The newest job that has not ended: its model is on the way."""
    return next((job for job in jobs.list_jobs(limit=_NEWEST) if not job.is_terminal), None)


def coming_note() -> None:
    """One line with a link about the model that is on the way; nothing where there is none."""
    if job := coming():
        with st.container(gap="xxsmall", key="coming"):
            st.caption(f":material/model_training: {_when_it_comes(job)}")
            st.page_link(
                navigation.page_file("job"),
                label=WATCH,
                icon=":material/monitoring:",
                query_params={"id": job.id},
            )


def _when_it_comes(job: JobRecord) -> str:
    doing = "is training" if job.step and job.state == "running" else "has not started yet"
    doing = "is paused" if job.state == "paused" else doing
    how_far = f" ({job.progress:.0f}%)" if job.step else ""
    return f"“{md(job.name)}” {doing}{how_far}. Its model appears here when it is done."
