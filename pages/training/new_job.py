"""A new job in three steps: choose a dataset, a base model and a method, see memory and time, launch.

The wizard is a draft in the database: its address (`?draft=`) shows the same step and choices in any browser, and one
draft becomes one job, however often *Launch* is pressed.
"""

from __future__ import annotations

import streamlit as st

from core.errors import NotFound
from core.services.data import datasets
from core.services.platform import drafts
from core.services.training import jobs
from pages.training._new_job import (
    drafts as job_drafts,
    step_dataset as job_step_dataset,
    step_model as job_step_model,
    step_review as job_step_review,
)
from pages.ui import components, guard, navigation, wizard
from pages.ui.errors import boundary
from pages.ui.format import md
from pages.ui.wizard import draft_state

guard.require()

STEPS = {  # id -> (word in the step header, title, lead, body)
    "dataset": ("Dataset", "Select Dataset", "Choose labeled examples for supervised learning", job_step_dataset.draw),
    "model": ("Model", "Configure Model", "Select base model and fine-tuning method", job_step_model.draw),
    "review": (
        "Review",
        "Review & Launch",
        "Review your choices and the time and memory they need",
        job_step_review.draw,
    ),
}


def current() -> drafts.DraftRecord | None:
    """The draft in the address; `?dataset=` and `?again=` create one and put it in the address."""
    if draft_id := st.query_params.get("draft"):
        return with_its_dataset(draft_state.load(draft_id))
    created = None
    if dataset_id := st.query_params.get("dataset"):
        created = drafts.create("job", {"dataset_id": dataset_id}, step="model")
    elif job_id := st.query_params.get("again"):
        created = drafts.create("job", jobs.choices_of(job_id) | {"name": None, "parent_job_id": job_id}, step="model")
    if created:
        st.query_params.from_dict({"draft": created.id})
        return with_its_dataset(draft_state.load(created.id))
    return None


def with_its_dataset(draft: drafts.DraftRecord) -> drafts.DraftRecord:
    """The draft; if its dataset was deleted, it returns to the first step and keeps all other choices."""
    dataset_id = draft.state.get("dataset_id")
    if draft.result_id or not dataset_id:
        return draft
    try:
        datasets.get_dataset(dataset_id)
    except NotFound:
        st.toast(
            "The dataset of this draft was deleted. Choose another one.", icon=":material/dataset:", duration="long"
        )
        return draft_state.save(draft, step="dataset", dataset_id=None, name=None)
    return draft


def launched(draft: drafts.DraftRecord) -> None:
    """The page of a draft that has become a job."""
    components.page_header("Review & Launch", "This draft was launched.", "New job")
    name = jobs.get_job(draft.result_id or "").name
    components.empty(
        "rocket_launch",
        f"{md(name)} was launched",
        "A draft can only be launched once. To change something, open the job and choose Train again with changes.",
        "Open the job",
        key="launched",
        opens="job",
        query={"id": draft.result_id or ""},
    )


with boundary(way_out=("new_job", "Start a new job")):
    draft = current()
    if draft and draft.result_id:
        if st.session_state.get("launch"):  # launched a moment ago in another window: open the same job
            navigation.go("job", {"id": draft.result_id})
        launched(draft)
    else:
        step = draft.step if draft and draft.step in STEPS else "dataset"
        word, title, lead, body = STEPS[step]
        now = list(STEPS).index(step) + 1
        where = [f"New job · step {now} of {len(STEPS)}", *job_step_model.chosen_words(draft)]
        components.page_header(title, lead, " · ".join(where))
        wizard.steps([words[0] for words in STEPS.values()], now, "job")
        components.section_gap()
        body(draft)
        if draft is None:
            job_drafts.recent()
        else:
            draft_state.drawn(draft, step)
