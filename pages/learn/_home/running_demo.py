"""The part of Home about a demo that runs: how far it is, and the way back to it."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo, demo_time
from pages.learn._demo.steps import clock_left
from pages.ui import components, navigation
from pages.ui.errors import boundary
from pages.ui.format import md

POLL_S = 3.0


def running_demo(record: demo.DemoRecord) -> None:
    """The running step with its progress; polled until the demo ends."""
    st.fragment(run_every=POLL_S)(_card)(record.id)


def _card(demo_id: str) -> None:
    with st.container(key="live_demo"), boundary():
        record = demo.status(demo_id)
        if record.finished:
            st.rerun()
        step = next((step for step in record.steps if step.state == "running"), None)
        step = step or next(step for step in record.steps if step.state != "done")
        left = demo_time.countdown(record)
        done = sum(step.state == "done" for step in record.steps)
        with st.container(border=True, gap="xsmall", key="running_demo"):
            with components.spread(gap="small"):
                with st.container(gap=None, width="stretch"):
                    st.markdown(f"**:blue[:material/play_circle:] The demo is running: {md(step.title)}**")
                    place = f"Step {done + 1} of {len(record.steps)}"
                    parts = [place, *([clock_left(left)] if left is not None else []), step.detail.rstrip(".")]
                    st.caption(md(" · ".join(part for part in parts if part)))
                navigation.button("Watch the demo", "demo", icon=":material/arrow_forward:", key="watch_demo")
            st.progress(min(1.0, (done + step.percent / 100) / len(record.steps)))
