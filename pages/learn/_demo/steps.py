"""The steps of the demo, each with its state."""

from __future__ import annotations

import math

import streamlit as st

from core.services.learn import demo, demo_time
from pages.learn._demo import reading
from pages.ui import components
from pages.ui.errors import boundary
from pages.ui.format import md, sentence

POLL_S = 1.0
_FIRST_STEP = 20.5  # progress of a job whose first step is done
_LOOKS = {  # state of a step -> (icon, color)
    "done": ("check_circle", "green"),
    "running": ("progress_activity", "blue"),
    "failed": ("error", "red"),
    "waiting": ("circle", "gray"),
}


def progress(record: demo.DemoRecord) -> None:
    """The steps with their states; polled while one of them runs."""
    live = not record.finished
    st.fragment(run_every=POLL_S if live else None)(_steps)(record.id, _look(record))


def _look(record: demo.DemoRecord) -> tuple[object, ...]:
    training = next((step for step in record.steps if step.id == "training"), None)
    has_points = training is not None and training.percent >= _FIRST_STEP
    return record.job_id, record.model_id, record.finished, record.tested, has_points, reading.current(record)


LATE = "A little longer than expected"


def clock_left(count: demo_time.Countdown) -> str:
    """What is left, as minutes and seconds in steps of 5 s: `About 3:20 min left`, or that it takes longer."""
    rounded = math.ceil(count.left_s / 5) * 5
    if rounded <= 0:
        return LATE
    time = f"{rounded // 60}:{rounded % 60:02d} min" if rounded >= 60 else f"{rounded} s"
    return f"Longer than expected: about {time} more" if count.late else f"About {time} left"


def _steps(demo_id: str, drawn: tuple[object, ...]) -> None:
    with st.container(key="live_steps"), boundary():
        record = demo.status(demo_id)
        if _look(record) != drawn:
            st.rerun()
        left = demo_time.countdown(record)
        with st.container(border=True, gap="xsmall", key="demo_steps"):
            if left is not None:
                st.markdown(f"**:material/timer: {clock_left(left)}**")
            for step in record.steps:
                icon, color = _LOOKS[step.state]
                with components.spread():
                    title = f"**{md(step.title)}**" if step.state == "running" else md(step.title)
                    st.markdown(f":{color}[:material/{icon}:] {title}", width="content")
                    st.caption(sentence(step.detail), width="content")
                if step.state == "running":
                    st.progress(min(1.0, step.percent / 100))
