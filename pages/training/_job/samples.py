"""Sample answers on the job screen: the same inputs at every evaluation, compared with those before training."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.messages import Message
from core.services.serving.chat import matches
from core.services.training import monitoring
from core.services.training.jobs import JobRecord
from pages.ui import components
from pages.ui.charts.points import kept_step
from pages.ui.format import md, plural, short

_SOURCES = {
    "validation": "held out from training",
    "train": "trained on",
    "typed": "entered for this job",
}
_LIMIT = 600


def panel(job: JobRecord, prompts: Sequence[monitoring.PromptRecord]) -> None:
    """The model's answers during training, to prompts with at least one answer."""
    steps = sorted({answer.step for prompt in prompts for answer in prompt.answers})
    components.section_gap()
    kept = kept_step(job)
    components.heading(
        "Sample answers", f"The model was saved at step {kept:,}" if kept else "The same inputs at every evaluation"
    )
    shown = _step(job, steps, kept)
    for prompt in prompts:
        _card(prompt, shown, kept)


def _step(job: JobRecord, steps: list[int], kept: int) -> int:
    """The step whose answers are shown: by default the one that became the model, else the newest."""
    if len(steps) == 1:
        return steps[0]
    first = kept if kept and kept in steps else steps[-1]
    slot = f"sample_at_{job.id}_{kept}"
    looked_at = st.session_state.get(slot)
    chosen: int = st.select_slider(
        "Answers at step",
        steps,
        value=looked_at if looked_at in steps else first,
        format_func=lambda step: step_name(step, kept),
        key=f"sample_step_{job.id}_{len(steps)}_{kept}",
    )
    st.session_state[slot] = chosen if chosen != first else None
    return chosen


def step_name(step: int, kept: int) -> str:
    return "Before training" if step == 0 else f"Step {step:,} · saved" if step == kept else f"Step {step:,}"


def _before(messages: Sequence[Message]) -> str:
    """What the model reads before the input."""
    context = sum(message.role == "system" for message in messages)
    turns = len(messages) - context
    parts = ["the system message"] * (context > 0) + [plural(turns, "earlier message")] * (turns > 0)
    return f"after {' and '.join(parts)}"


def _card(prompt: monitoring.PromptRecord, shown: int, kept: int) -> None:
    before = next((answer for answer in prompt.answers if answer.step == 0), None)
    now = next((answer for answer in prompt.answers if answer.step == shown), None)
    with st.container(border=True, gap="xsmall", key=f"sample_{prompt.position}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="xsmall"):
            st.markdown(":small[:gray[INPUT]]", width="content")
            st.caption(_SOURCES[prompt.split], width="content")
        st.text(short(prompt.messages[-1].content, _LIMIT))
        if len(prompt.messages) > 1:
            st.caption(_before(prompt.messages[:-1]))
        with st.grid(1 + (shown > 0) + bool(prompt.expected), min_column_width=200, gap="small"):
            _column(":gray[Before training]", before, prompt.expected)
            if shown > 0:
                _column(f":blue[{step_name(shown, kept)}]", now, prompt.expected)
            if prompt.expected:
                with st.container(gap="xxsmall"):
                    st.markdown(":small[:gray[Expected]]")
                    st.text(short(prompt.expected, _LIMIT))


def _column(word: str, answer: monitoring.SampleRecord | None, expected: str) -> None:
    with st.container(gap="xxsmall"):
        if answer is None:
            st.markdown(f":small[{word}]")
            st.caption("no answer")
            return
        exact = "  :green-badge[:material/check: exact]" if expected and matches(answer.answer, expected) else ""
        st.markdown(f":small[{word}{exact}]")
        st.text(short(answer.answer, _LIMIT) or "(empty)")
        if answer.cut:
            st.caption(md("… cut off at the token limit for samples"))
