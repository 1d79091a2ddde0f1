"""Parts of the demo: what will happen, how far it is, the curves, and both models answering."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.data.samples import Sample, load_sample
from core.services.learn import demo
from core.services.training import jobs
from pages.serving._compare import parts as compare_parts
from pages.ui import face, frame, run_charts as job_charts, task_words as job_words
from pages.ui.boundary import boundary
from pages.ui.charts import chart
from pages.ui.format import md, sentence
from pages.ui.run_points import series_of

POLL_S = 1.0
_FIRST_STEP = 20.5  # progress of a job whose first step is done
_LOOKS = {  # state of a step -> (icon, color)
    "done": ("check_circle", "green"),
    "running": ("progress_activity", "blue"),
    "failed": ("error", "red"),
    "waiting": ("circle", "gray"),
}


def explain() -> None:
    """The sample, the model and the honest words, before anything starts."""
    sample = load_sample()
    main, side = st.columns([8, 5], gap="medium")
    with main:
        face.heading("What happens")
        with st.container(border=True, gap="small"):
            for icon, title, text in (
                (
                    "dataset",
                    f"{len(sample.train)} labeled examples",
                    f"{sample.description} A sample that comes with the "
                    f"studio; {len(sample.validation)} reworded questions are held out.",
                ),
                (
                    "deployed_code",
                    "A small model is built",
                    "The starter: made on this machine in about a minute, once.",
                ),
                ("model_training", "It is fine-tuned", "With LoRA, for real. You watch the loss fall."),
                (
                    "compare_arrows",
                    "Base and tuned answer",
                    "The same questions to both, side by side, with the count of exact answers.",
                ),
            ):
                with st.container(horizontal=True, gap="small", wrap=False):
                    st.markdown(f":gray[:material/{icon}:]", width="content")
                    with st.container(gap=None):
                        st.markdown(f"**{md(title)}**")
                        st.caption(md(text))
        st.caption("It takes a few minutes on an ordinary laptop. You can leave this page and come back.")
    with side:
        _example(sample)
        about_starter()


def meanwhile() -> None:
    """What there is to read until the first curve shows."""
    face.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        _example(load_sample())
    with right:
        face.heading("Meanwhile")
        about_starter()


def about_starter() -> None:
    """The honest words about the base model of the demo."""
    with st.container(border=True, gap="xsmall"):
        st.markdown("**About the starter**")
        st.caption(
            "A small Llama-style model that is built on this machine, once. It knows little until it is taught. "
            "It shows how fine-tuning works, not how clever a large model is."
        )


def _example(sample: Sample) -> None:
    face.heading("One of the examples", "The model learns to answer like this")
    first = sample.train[0].messages
    given, wanted = (next(m.content for m in first if m.role == role) for role in ("user", "assistant"))
    face.pair(given, wanted, key="sample")


def progress(record: Any) -> None:
    """The steps, each with its state; polls while one of them runs."""
    live = not record.finished
    st.fragment(run_every=POLL_S if live else None)(_steps)(record.id, _look(record))


def _look(record: Any) -> tuple[Any, ...]:
    training = next((step for step in record.steps if step.id == "training"), None)
    begun = training is not None and training.percent >= _FIRST_STEP
    return record.job_id, record.model_id, record.finished, bool(record.exact_match), begun


def _steps(demo_id: str, drawn: tuple[Any, ...]) -> None:
    with st.container(key="live_steps"), boundary():
        record = demo.status(demo_id)
        if _look(record) != drawn:
            st.rerun()
        with st.container(border=True, gap="xsmall", key="demo_steps"):
            for step in record.steps:
                icon, color = _LOOKS[step.state]
                with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                    title = f"**{md(step.title)}**" if step.state == "running" else md(step.title)
                    st.markdown(f":{color}[:material/{icon}:] {title}", width="content")
                    st.caption(sentence(step.detail), width="content")
                if step.state == "running":
                    st.progress(min(1.0, step.percent / 100))


def curve(job: Any) -> None:
    """Loss and validation loss of the demo's run, live."""
    moving = job.state in job_words.MOVING
    st.fragment(run_every=POLL_S if moving else None)(_curve)(job.id)


def _curve(job_id: str) -> None:
    with st.container(key="live_curve"), boundary():
        job = jobs.get_job(job_id)
        points = series_of(job)
        if not len(points):
            return
        face.section_gap()
        face.heading("Loss", f"step {job.step:,} of {job.total_steps:,} · lower is better")
        with st.container(border=True):
            fig = job_charts.loss_figure([*points.train, *points.validation], job.total_steps, job.num_epochs)
            chart(fig, key="demo_loss", height=280, x="Step", alt=f"Loss over {job.step} of {job.total_steps} steps.")
        st.caption("The validation curve is the loss on the reworded questions. It stays higher: they were not taught.")
        st.page_link(
            frame.page_file("job"), label="Open the job", icon=":material/monitoring:", query_params={"id": job.id}
        )


def side_by_side(test: dict[str, Any]) -> None:
    """Sample questions with both answers, then how many came out exactly."""
    face.section_gap()
    face.heading("The same question to both", f"{len(test.get('samples', [])[:3])} of {sum(test['counts'].values())}")
    compare_parts.samples(test)
    face.section_gap()
    compare_parts.figures(test, key="demo")
    st.caption(
        "The starter is small: it learns the sentences it was taught, and few of the same questions in other words. "
        "The same steps with a larger base model give one that generalizes."
    )


def ways_on(model_id: str) -> None:
    """What to do after the demo."""
    st.divider()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        if st.button("Bring your own data", icon=":material/upload_file:", key="own"):
            st.switch_page(frame.page_file("upload"))
        if st.button("Ask both yourself", icon=":material/compare_arrows:", type="primary", key="compare"):
            st.switch_page(frame.page_file("compare"), query_params={"model": model_id})
