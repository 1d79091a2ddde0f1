"""Why a job failed, which settings would help, and a button that applies them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.services.platform import drafts
from core.services.training import choices, jobs
from pages.ui import navigation
from pages.ui.format import format_setting, md
from pages.ui.wizard import address

UNNAMED = "error"  # the cause of an error without one
_CAUSES = {"storage": "the disk", "killed": "the process was killed", "data": "the dataset", "hung": "no progress"}


def panel(job: jobs.JobRecord) -> None:
    """The cause, the settings that would help beside the current ones, and the buttons to go on."""
    if job.reason == "data" and job.dataset_deleted:
        _without_dataset(job)
        return
    error = job.error or {}
    cause = str(job.reason or error.get("cause") or "")
    changes = jobs.remedies(job)
    with st.container(border=True, gap="small", key="failure"):
        st.markdown(f"**:red[:material/error: {md(error.get('message') or 'Training failed.')}]**")
        if changes:  # they replace the remedy, which says the same in words
            st.caption("This would help:")
            _changes(changes)
            st.caption(jobs.also_helps(cause))
        elif error.get("remedy"):
            st.markdown(md(error["remedy"]))
        _ways_on(job, changes)
        _checkpoint(job)
        quiet = [
            f"Cause: {_CAUSES.get(cause, cause.replace('_', ' '))}" if cause and cause != UNNAMED else "",
            f"Error ID: {error['error_id']}" if error.get("error_id") else "",
        ]
        if any(quiet):
            st.caption(md(" · ".join(part for part in quiet if part)))


def _without_dataset(job: jobs.JobRecord) -> None:
    """A retry cannot help: offer another dataset."""
    with st.container(border=True, gap="small", key="failure"):
        st.markdown(f"**:red[:material/error: The dataset “{md(job.dataset_name)}” was deleted]**")
        st.markdown(
            "Its examples were deleted too, so this job cannot run again. Choose another dataset for a new job."
        )
        if st.button("Choose another dataset", icon=":material/dataset:", type="primary", key="choose_dataset"):
            navigation.go("new_job", {"again": job.id})


def _changes(changes: Sequence[jobs.SettingChange]) -> None:
    """Each setting with its current and its suggested value."""
    with st.grid(2, min_column_width=110, wrap=False, gap=("xxsmall", "small"), width=360, key="remedies"):
        for change in changes:
            now, suggested = format_setting(change.now), _suggestion(change.suggested)
            st.markdown(f":small[:gray[{md(change.title)}]]")
            st.markdown(f":small[:gray[{md(now)} →] **{md(suggested)}**]")


def _checkpoint(job: jobs.JobRecord) -> None:
    if job.checkpoint_step:
        st.caption(
            f":material/save: The checkpoint of step {job.checkpoint_step:,} of {job.total_steps:,} was saved. "
            "*Retry* continues from it; *Keep the last checkpoint* saves it as a model."
        )


def _ways_on(job: jobs.JobRecord, changes: Sequence[jobs.SettingChange]) -> None:
    if changes:
        if st.button(
            "New job with these settings",
            icon=":material/auto_fix_high:",
            type="primary",
            key="new_with_remedies",
            help="Opens a new job with the settings above filled in and this job as its parent.",
        ):
            draft = drafts.create("job", prefilled(job.id), step="review")
            navigation.go("new_job", address.query(draft.id, draft.step))
    elif job.reason == "data" and st.button("Open the dataset", icon=":material/dataset:", key="open_dataset"):
        navigation.go("datasets", {"id": job.dataset_id})


def prefilled(job_id: str) -> dict[str, Any]:
    """The state of a draft: the job's choices with the suggested changes, a new name, and the parent."""
    choices = jobs.started_over(job_id)
    name = jobs.suggest_name(choices["dataset_id"], choices["base_model"])
    return choices | {"name": name, "parent_job_id": job_id}


def _suggestion(raw: object) -> str:
    """A suggested value as text; a method by its title."""
    return choices.METHODS.get(str(raw)).title if raw in choices.METHODS else format_setting(raw)
