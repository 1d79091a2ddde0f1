"""The results of the demo: the loss curve, answers of both models, and what to do next."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo
from core.services.training import jobs
from pages.ui import components, navigation, wizard
from pages.ui.answers import by_field, by_split
from pages.ui.charts import chart, runs as run_charts
from pages.ui.charts.points import series_of
from pages.ui.errors import boundary
from pages.ui.format import plural
from pages.ui.tasks import words as task_words

POLL_S = 1.0
SAMPLES = 3
_PARTS = (
    "New combinations of sentences, products and names. The sentence that describes the problem was in the training.",
    "Every sentence is new: the model has to recognize the problem in other words.",
)


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
            chart(
                lambda: run_charts.loss_figure(points.all, job.total_steps, job.num_epochs),
                token=(points.token, job.total_steps, job.num_epochs),
                key="demo_loss",
                height=280,
                x="Step",
                alt=f"Loss over {job.step} of {job.total_steps} steps.",
            )
        st.caption(
            "The validation curve is the loss on examples that are held out of the training. It is usually higher: the "
            "model does not train on them."
        )
        st.page_link(
            navigation.page_file("job"), label="Open the job", icon=":material/monitoring:", query_params={"id": job.id}
        )


def on_unseen_examples(record: demo.DemoRecord) -> None:
    """The figures on the test split: trained wordings and unseen wordings are shown separately."""
    titles = demo.sample(record.sample).parts
    _verdict(record)
    for number, part in enumerate(record.report):
        by_field.part(part, titles.get(part.part, part.part), _PARTS[min(number, len(_PARTS) - 1)], f"part_{number}")
    if record.base_model == demo.STARTER:
        st.caption(
            "The starter knows few words, so it recognizes a problem mostly by the words it was trained on. A "
            "pretrained model such as SmolLM2 also understands wordings that its training never saw."
        )


def _verdict(record: demo.DemoRecord) -> None:
    """The result in one sentence, for someone who has never seen such figures."""
    whole = [part.figures[-1] for part in record.report if part.figures]  # all fields right
    if not whole:
        return
    inputs, tuned, base = (
        sum(counts)
        for counts in zip(*((one.tuned.total, one.tuned.right, one.base.right) for one in whole), strict=True)
    )
    icon = ":green[:material/verified:]" if tuned > base else ":orange[:material/info:]"
    st.markdown(
        f"**{icon} Of {plural(inputs, 'input')} that its training never saw, the tuned model answered {tuned:,} "
        f"completely right, its base {base:,}.**"
    )


def side_by_side(record: demo.DemoRecord) -> None:
    """Sample questions with both answers, then the share of exact answers."""
    components.section_gap()
    count = sum(len(part.questions) for part in record.report)
    components.heading("The same questions to both", f"{min(SAMPLES, count)} of {count}")
    by_split.samples(record.report, SAMPLES)
    components.section_gap()
    by_split.figures(record.report, key="demo")
    st.caption(
        "This sample teaches facts, and a small model memorizes them: it repeats what it was taught, and knows few "
        "answers to the same questions in other words. Facts belong in a search index; see the explainer."
    )


def ways_on(model_id: str | None) -> None:
    """Where to go after the demo. The results above are long: the foot stays in sight. Without a model, it failed."""
    components.section_gap()
    navigation.button("Another demo", "demo", {"new": "1"}, icon=":material/replay:", type="tertiary", key="another")
    with wizard.foot():
        navigation.button("Bring your own data", "upload", icon=":material/upload_file:", type="tertiary", key="own")
        if model_id and st.button("Ask both yourself", icon=":material/compare_arrows:", type="primary", key="compare"):
            navigation.go("compare", {"model": model_id})
