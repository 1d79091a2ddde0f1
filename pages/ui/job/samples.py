"""Sample answers on the job screen: the same inputs at every evaluation, before beside now."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.jobs.exact_match import matches
from core.services import monitoring
from pages.ui import face
from pages.ui.format import md, plural, short

_SOURCES = {
    "validation": "held out from training",
    "train": "trained on: this dataset holds nothing out",
    "typed": "typed for this job",
}
_LIMIT = 600


def panel(job: Any) -> None:
    """What the model answers as it learns; nothing where the run answers no prompts, or none yet."""
    prompts = monitoring.sample_answers(job.id)
    steps = sorted({answer.step for prompt in prompts for answer in prompt.answers})
    if not steps:
        return
    face.section_gap()
    face.heading("Sample answers", "The same inputs at every evaluation")
    shown = _step(job, steps)
    for prompt in prompts:
        _card(prompt, shown)


def _step(job: Any, steps: list[int]) -> int:
    """The step whose answers are shown: the newest, unless the person looks at an earlier one."""
    if len(steps) == 1:
        return steps[0]
    slot = f"sample_at_{job.id}"
    earlier = st.session_state.get(slot)
    value = earlier if earlier in steps else steps[-1]
    chosen: int = st.select_slider(
        "Answers at step",
        steps,
        value=value,
        format_func=lambda step: "Before training" if step == 0 else f"Step {step:,}",
        key=f"sample_step_{job.id}_{len(steps)}",
    )
    st.session_state[slot] = chosen if chosen != steps[-1] else None
    return chosen


def _card(prompt: monitoring.PromptRecord, shown: int) -> None:
    before = next((answer for answer in prompt.answers if answer.step == 0), None)
    now = next((answer for answer in prompt.answers if answer.step == shown), None)
    with st.container(border=True, gap="xsmall", key=f"sample_{prompt.position}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="xsmall"):
            st.markdown(":small[:gray[INPUT]]", width="content")
            st.caption(_SOURCES[prompt.split], width="content")
        st.text(short(prompt.messages[-1].content, _LIMIT))
        if len(prompt.messages) > 1:
            st.caption(f"after {plural(len(prompt.messages) - 1, 'earlier message')}")
        with st.grid(3 if prompt.expected else 2, min_column_width=200, gap="small"):
            _column(":gray[BEFORE]", before, prompt.expected)
            _column(f":blue[{'BEFORE' if shown == 0 else f'STEP {shown:,}'}]", now, prompt.expected)
            if prompt.expected:
                with st.container(gap="xxsmall"):
                    st.markdown(":small[:gray[EXPECTED]]")
                    st.text(short(prompt.expected, _LIMIT))


def _column(word: str, answer: monitoring.SampleRecord | None, expected: str) -> None:
    with st.container(gap="xxsmall"):
        if answer is None:
            st.markdown(f":small[{word}]")
            st.caption("not answered")
            return
        exact = "  :green-badge[:material/check: exact]" if expected and matches(answer.answer, expected) else ""
        st.markdown(f":small[{word}{exact}]")
        st.text(short(answer.answer, _LIMIT) or "(empty)")
        if answer.cut:
            st.caption(md("… cut at the most tokens a sample may have"))
