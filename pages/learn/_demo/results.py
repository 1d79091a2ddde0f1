"""The results of the demo: the loss curve, answers of both models, and what to do next."""

from __future__ import annotations

import streamlit as st

from core.services.training import jobs
from core.services.training.results import ExactMatchResult
from pages.ui import components, navigation
from pages.ui.answers import exact_match
from pages.ui.charts import chart, runs as run_charts
from pages.ui.charts.points import series_of
from pages.ui.errors import boundary
from pages.ui.tasks import words as task_words

POLL_S = 1.0


def curve(job: jobs.JobRecord) -> None:
    """Training and validation loss of the demo's run, live."""
    moving = job.state in task_words.MOVING
    st.fragment(run_every=POLL_S if moving else None)(_curve)(job.id)


def _curve(job_id: str) -> None:
    with st.container(key="live_curve"), boundary():
        job = jobs.get_job(job_id)
        points = series_of(job)
        if not len(points):
            return
        components.section_gap()
        components.heading("Loss", f"step {job.step:,} of {job.total_steps:,} · lower is better")
        with st.container(border=True):
            fig = run_charts.loss_figure([*points.train, *points.validation], job.total_steps, job.num_epochs)
            chart(fig, key="demo_loss", height=280, x="Step", alt=f"Loss over {job.step} of {job.total_steps} steps.")
        st.caption(
            "The validation curve is the loss on the reworded questions. It is higher because the model was not "
            "trained on them."
        )
        st.page_link(
            navigation.page_file("job"), label="Open the job", icon=":material/monitoring:", query_params={"id": job.id}
        )


def side_by_side(test: ExactMatchResult) -> None:
    """Sample questions with both answers, then the share of exact answers."""
    components.section_gap()
    components.heading(
        "The same questions to both", f"{len(test.samples[:3])} of {test.counts.train + test.counts.validation}"
    )
    exact_match.samples(test)
    components.section_gap()
    exact_match.figures(test, key="demo")
    st.caption(
        "The starter model is small: it learns its training sentences, but few of the same questions in other words. "
        "With a larger base model, the same steps produce a model that generalizes."
    )


def ways_on(model_id: str) -> None:
    """Where to go after the demo."""
    st.divider()
    with components.spread():
        navigation.button("Bring your own data", "upload", icon=":material/upload_file:", key="own")
        if st.button("Ask both yourself", icon=":material/compare_arrows:", type="primary", key="compare"):
            navigation.go("compare", {"model": model_id})
