"""Explainer, last chapter: the iteration loop, retrieval, troubleshooting, common questions."""

from __future__ import annotations

import tomllib
from pathlib import Path

import streamlit as st

from core.services.learn import home
from core.services.learn.explain import compare, costs
from core.services.platform import tasks
from pages.learn._explainer import curves
from pages.learn._explainer.basics import token_bars
from pages.learn._explainer.faq import common_questions
from pages.learn._explainer.training import loss_chart
from pages.ui import components, navigation
from pages.ui.diagram import diagram
from pages.ui.fits import VERDICTS
from pages.ui.format import md, number, sentence, size
from pages.ui.tasks import workers


def loop() -> None:
    """The iteration loop as a diagram, and this studio's progress in it."""
    st.markdown(
        "The first run is a start. What the tuned model still gets wrong shows **which examples are missing**, and a "
        "user's correction of an answer is the best labeled example you can get."
    )
    diagram(
        """flowchart TB
  subgraph make[" "]
    direction LR
    prepare[Prepare examples] --> validate[Validate] --> train[Train] --> deploy[Deploy]
  end
  subgraph learn[" "]
    direction LR
    test[Test and compare] --> feedback[Collect feedback] --> retrain[Correct and add] --> again[Validate again]
  end
  make --> learn
  style make fill:none,stroke:none
  style learn fill:none,stroke:none"""
    )
    steps = home.overview().journey
    done = sum(step.done for step in steps)
    components.heading("Progress of this studio", f"{done} of {len(steps)} steps done")
    with st.grid(2, min_column_width=280):
        for step in steps:
            with st.container(border=True, height="stretch", gap=None, key=f"loop_{step.id}"):
                icon = ":green[:material/check_circle:]" if step.done else ":gray[:material/radio_button_unchecked:]"
                st.markdown(f"{icon} **{step.title}**")
                st.caption(step.detail)
                if step.page:
                    st.page_link(navigation.page_file(step.page), label="Open", icon=":material/arrow_forward:")


PLACES = (
    ("In the weights", "Tone, format, the steps of a task, technical terms, rules that stay the same for months."),
    ("In the search index", "Prices, stock, cases, and anything that must be quoted or deleted on request."),
    ("Both", "Labeled examples with passages in the input, so that the model learns to answer from them."),
)


def retrieval() -> None:
    """What belongs in the weights, what in a search index, and the tokens per call of each setup."""
    st.markdown(
        "Fine-tuning teaches **how** to answer: format, tone, the steps of a task, and stable facts. Retrieval adds "
        "**what is true today** to the prompt. Combined, the tuned model uses the passages the way your examples do "
        "and needs no instructions."
    )
    work, figure = st.columns([4, 7], gap="medium")
    with work:
        passages = st.slider("Retrieved passages per call", 0, 10, 3, key="passages")
        length = st.slider("Tokens per passage", 50, 800, 250, step=50, key="passage_tokens")
        instructions = st.slider("Tokens of instructions", 0, 2_000, 400, step=50, key="instruction_tokens")
    ways = costs.arrangements(
        instructions=instructions, question=20, answer=60, passages=passages, passage_tokens=length
    )
    with figure, st.container(border=True):
        token_bars(ways, key="retrieval_cost")
        base, tuned = ways[1 if passages else 0], ways[-1]
        st.markdown(
            f"**{number(base.per_call - tuned.per_call)} fewer tokens per call**: {number(base.per_call)} for the "
            f"base, {number(tuned.per_call)} for the tuned model, with the same passages."
        )
    with st.grid(3, min_column_width=250):
        for title, text in PLACES:
            with st.container(border=True, height="stretch", gap="xxsmall"):
                st.markdown(f"**{title}**")
                st.markdown(f":gray[{text}]")


_SYMPTOMS = tomllib.loads(Path(__file__).with_name("troubleshooting.toml").read_text(encoding="utf-8"))["symptom"]


def trouble() -> None:
    """Pick a symptom; the causes are listed from most to least likely."""
    by_title = {symptom["title"]: symptom for symptom in _SYMPTOMS}
    symptom = by_title[st.selectbox("What do you see?", list(by_title), key="symptom")]
    words, figure = st.columns([5, 6], gap="medium")
    with words:
        st.markdown("**Likely causes**\n" + "\n".join(f"1. {cause}" for cause in symptom["causes"]))
        st.markdown("**What to do**\n" + "\n".join(f"1. {remedy}" for remedy in symptom["remedies"]))
    with figure, st.container(border=True, gap="xsmall"):
        if symptom["figure"] in curves.SHAPES:
            _typical_curve(symptom["figure"])
        else:
            {"savings": _savings, "workers": _workers}[symptom["figure"]]()


def _typical_curve(shape_id: str) -> None:
    train, validation = curves.draw(shape_id)
    reading = curves.read_curve(train, validation)
    loss_chart(train, validation, f"A loss curve of this kind: {reading.title}", key="symptom_curve", height=240)
    st.caption(f"A typical curve (generated from a formula). {reading.remedy}")


def _savings() -> None:
    chosen = st.select_slider("Model", list(compare.SIZES), "7B", key="saving_size")
    card = st.selectbox("GPU", list(compare.GPUS), 2, key="saving_gpu")
    for saving in compare.savings(chosen, card):
        _, color, icon = VERDICTS[saving.memory.verdict]
        with components.spread():
            st.markdown(saving.title, width="content")
            st.markdown(f":{color}-badge[:material/{icon}: {size(saving.memory.expected)}]", width="content")


def _workers() -> None:
    running, silent = workers.known()
    if silent is not None:
        st.markdown(f"**{sentence(silent.message)}**")
    else:
        st.markdown(f"**Workers running now: {len(running)}**")
    for worker in running:
        st.caption(f"{worker.queue}: {worker.state}")
    waiting = tasks.list_tasks(state="pending", limit=5)
    count = sum(number for (_, state), number in tasks.tally().items() if state == "pending")
    st.markdown(f"**Tasks waiting now: {count:,}**")
    reasons = tasks.waiting_reasons(waiting)
    for task in waiting:
        st.caption(f"{md(task.title)}: {sentence(reasons.get(task.id, 'about to start'))}")
    if not running and silent is None:
        st.markdown("Start the studio with `make run`, or only a worker with `sft worker`.")


def questions() -> None:
    """Common questions with a search; the numbers in the answers are the studio's own limits."""
    word = st.text_input("Search", placeholder="for example: GPU, how long, epochs", key="faq_search")
    word = word.strip().casefold()
    every = common_questions()
    found = [item for item in every if word in f"{item.question} {item.answer}".casefold()]
    st.caption(f"{len(found)} of {len(every)} questions")
    if not found:
        st.markdown(":gray[No question contains that word. Try a shorter one.]")
    for item in found:
        with st.expander(item.question, expanded=bool(word) and len(found) <= 3):
            st.markdown(item.answer)
