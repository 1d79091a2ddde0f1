"""*Try the demo*: build the starter model, train it on the sample dataset, and compare base and tuned."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo
from core.services.training import jobs
from pages.learn._demo import introduction, reading, results, steps
from pages.ui import components, guard, navigation
from pages.ui.answers import streams
from pages.ui.errors import boundary
from pages.ui.wizard import ONWARD_KEYS

guard.require()

LEAD = "From labeled examples to a tuned model, with real training on this machine. No file needed."


def invitation() -> None:
    """What the demo does, how long it takes, the choice of the base, and the start button."""
    base_model = introduction.explain()
    st.divider()
    with st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small", key="demo_start"
    ):
        if base_model:
            st.caption(introduction.how_long(base_model), width="content")
        if st.button(
            "Start the demo",
            icon=":material/play_arrow:",
            type="primary",
            key="start",
            disabled=not base_model,
            shortcut=ONWARD_KEYS,
        ):
            record = demo.start(again=True, base_model=base_model)
            navigation.go("demo", {"id": record.id})


def running(record: demo.DemoRecord) -> None:
    """Steps and curves while it runs; the answers when it is done."""
    steps.progress(record)
    if record.tested:
        (results.side_by_side if record.by_split else results.on_unseen_examples)(record)
    job = jobs.get_job(record.job_id) if record.job_id else None
    if job and job.step:
        results.curve(job)
    if not record.finished:
        reading.while_it_runs(record)
    if record.finished:  # before, the test holds both models
        results.ways_on(record.model_id)


with boundary(way_out=("demo", "Start again")):
    components.page_header("Try the demo", LEAD, "Home")
    components.section_gap()
    demo_id = st.query_params.get("id", "")
    record = demo.status(demo_id) if demo_id else demo.current()
    if st.query_params.get("start") and (record is None or record.state == "failed"):
        record = demo.start()  # started from Home; a running or finished demo is shown instead
    if record is None or st.query_params.get("new"):
        invitation()
    else:
        running(record)
        if record.model_id:
            streams.warm_up()  # "Ask both yourself" comes next
