"""The cards of a comparison, and base against tuned on all examples of the dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.services.serving import chat
from core.services.training import models
from pages.ui import face, run_charts as job_charts
from pages.ui.boundary import boundary, show_error
from pages.ui.charts import chart
from pages.ui.chat_stream import Answer, shown
from pages.ui.format import md, percent, plural, sentence, short

POLL_S = 1.5


@dataclass
class Card:
    """Places of one answer card; `draw` is called while the answer grows."""

    body: Any
    foot: Any
    finished: bool = False

    def draw(self, answer: Answer, expected: str) -> None:
        """Show what is there; once complete, the verdict and the figures."""
        if self.finished:
            return
        if answer.error:
            with self.body.container():
                show_error(answer.error)
            self.finished = True
            return
        if answer.text:
            self.body.markdown(shown(answer.text) + ("" if answer.done else " ▌"))
        elif answer.done:
            self.body.caption("It answered with nothing.")
        else:
            self.body.caption(answer.waiting())
        if answer.done:
            self.finished = True
            with self.foot.container():
                _verdict(answer, expected)


def card(model: Any, *, tuned: bool) -> Card:
    """The empty card of a model: the tuned one has the accent edge."""
    with st.container(
        border=True,
        height="stretch",
        vertical_alignment="distribute",
        gap="small",
        key="on_tuned" if tuned else "off_base",
    ):
        with st.container(gap="small"):
            with st.container(
                horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", wrap=False
            ):
                st.markdown(f"**{md(model.title, 40)}**")
                st.badge("Tuned" if tuned else "Base", color="blue" if tuned else "gray")
            body = st.empty()
        foot = st.empty()
    return Card(body, foot)


def _verdict(answer: Answer, expected: str) -> None:
    st.divider()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        if expected:
            right = chat.matches(answer.text, expected)
            st.markdown(
                ":green[:material/check: Matches the expected answer]"
                if right
                else ":red[:material/close: Not the expected answer]",
                width="content",
            )
        st.caption(answer.figures(), width="content")


def on_all_examples(model: Any) -> None:
    """Exact matches of base and tuned on the whole dataset: run once, kept with the model."""
    face.section_gap()
    test = models.test_result(model.model_id)
    task = models.running_test(model.model_id)
    if task is not None:
        face.heading("On all examples")
        with st.container(border=True):
            st.fragment(run_every=POLL_S)(_testing)(model.model_id)
        return
    if test is None:
        face.heading("On all examples")
        if models.get_model(model.model_id).dataset_deleted:
            st.caption("The dataset was deleted, and its questions with it. Type a question of your own above.")
            return
        with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption("Ask both models every question of the dataset and count the exact answers.", width="stretch")
            if st.button("Test on all examples", icon=":material/fact_check:", key="test"):
                models.test(model.model_id)
                st.rerun()
        return
    figures(test)


def _testing(model_id: str) -> None:
    with st.container(key="live_test"), boundary():
        task = models.running_test(model_id)
        if task is None:
            st.rerun()
        st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(task.message or 'Asking both models')}]")


def figures(test: dict[str, Any], key: str = "test") -> None:
    """Tiles, bars and some answers of an exact-match test (its result as the worker stored it)."""
    counts = test["counts"]
    total = sum(counts.values())
    face.heading(f"On {plural(total, 'example')}", "Exact answers, word for word")
    groups = [
        (split, name) for split, name in (("train", "Trained on"), ("validation", "Held out")) if counts.get(split)
    ]
    with st.grid(2, min_column_width=200):
        for split, name in groups:
            base, tuned = test["base"][split], test["tuned"][split]
            st.metric(
                f"{name}: right answers",
                percent(tuned),
                f"{100 * (tuned - base):+.0f} pts",
                delta_color="normal" if tuned != base else "off",
                delta_arrow="auto" if tuned != base else "off",
                delta_description=f"base {percent(base)}",
                border=True,
                height="stretch",
                help=f"Of {plural(counts[split], 'question')}, answered exactly as expected.",
            )
    with st.container(border=True):
        fig = job_charts.match_figure(
            [name for _, name in groups], [test["base"][s] for s, _ in groups], [test["tuned"][s] for s, _ in groups]
        )
        chart(
            fig,
            key=f"{key}_chart",
            height=220,
            alt="; ".join(
                f"{name}: base {percent(test['base'][s])}, tuned {percent(test['tuned'][s])}" for s, name in groups
            ),
        )
    if counts.get("validation"):
        st.caption("Held-out examples were not trained on.")


def samples(test: dict[str, Any], most: int = 3) -> None:
    """A few questions of a test with both answers, side by side."""
    for number, sample in enumerate(test.get("samples", [])[:most]):
        with st.container(border=True, gap="small", key=f"sample_{number}"):
            st.markdown(f"**{md(sample['question'])}**")
            st.caption(f"Expected: {md(short(sample['expected'], 200))}")
            left, right = st.columns(2)
            for place, name, color in ((left, "base", "gray"), (right, "tuned", "blue")):
                with place, st.container(gap="xsmall"):
                    st.badge(name.capitalize(), color=color)
                    st.text(sample[name])
                    right_answer = chat.matches(sample[name], sample["expected"])
                    st.markdown(
                        ":green[:material/check: Matches]" if right_answer else ":red[:material/close: Does not match]"
                    )
