"""A new job in three steps: choose a dataset, a base model and a method, see memory and time, launch.

The wizard is a draft in the database: its address (`?draft=`) shows the same step and choices in any browser, and one
draft becomes one job, however often *Launch* is pressed.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import NotFound
from core.services.data import datasets
from core.services.platform import drafts
from core.services.training import jobs
from pages.training._new_job import drafts as job_drafts, step_dataset, step_model, step_review
from pages.training._new_job.steps import IDS, WIZARD
from pages.ui import components, guard, history, navigation, wizard
from pages.ui.errors import boundary
from pages.ui.format import md
from pages.ui.wizard import address, draft_state

guard.require()

BODIES = {"dataset": step_dataset.draw, "model": step_model.draw, "review": step_review.draw}


def current() -> drafts.DraftRecord | None:
    """The draft in the address; for `?dataset=` and `?again=` the draft that this window created for it, whose own
    address replaces that one. `?replaces=` names a base model that goes dark: another one has to be chosen."""
    if draft_id := st.query_params.get("draft"):
        return with_its_dataset(draft_state.load(draft_id))
    dataset_id, job_id = st.query_params.get("dataset"), st.query_params.get("again")
    if not dataset_id and not job_id:
        return None
    replaces = st.query_params.get("replaces", "")
    slot = f"draft_for_{dataset_id or job_id}_{replaces}"
    if not (draft_id := st.session_state.get(slot)):
        state = {"dataset_id": dataset_id} if dataset_id else choices_again(job_id or "")
        if replaces:
            state |= {"replaces": replaces, "hosted_base": ""}
        draft_id = st.session_state[slot] = drafts.create("job", state, step="model").id
    draft = with_its_dataset(draft_state.load(draft_id))
    history.replace("new_job", address.query(draft.id, draft.step))
    return draft


def choices_again(job_id: str) -> dict[str, Any]:
    """The choices of a job for another one, which follows it."""
    again = jobs.choices_of(job_id) | {"name": None, "parent_job_id": job_id}
    if again["connection"]:  # its base model and method are the service's, not those of this machine
        again |= {"hosted_base": again.pop("base_model"), "hosted_method": again.pop("method")}
    return again


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
    """A draft that has become a job: its job is shown in place of it, so that Back leads to the job."""
    history.finish("job", {"id": draft.result_id or ""}, draft.id)
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
            navigation.go("job", {"id": draft.result_id}, instead_of=draft.id)
        launched(draft)
    else:
        step = address.shown(draft, IDS) if draft else IDS[0]
        chosen = "".join(f" · {word}" for word in step_model.chosen_words(draft, step))
        wizard.header(WIZARD, step, draft, chosen)
        BODIES[step](draft)
        if draft is None:
            job_drafts.recent()
        else:
            draft_state.drawn(draft, step)
