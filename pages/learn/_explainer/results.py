"""Explainer, last chapter: the iteration loop, retrieval, troubleshooting, common questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from core.services.learn import home
from core.services.learn.explain import compare, costs
from core.services.platform import tasks
from pages.learn._explainer import curves
from pages.learn._explainer.basics import token_bars
from pages.learn._explainer.faq import common_questions
from pages.ui import charts, components, navigation
from pages.ui.format import number, size


def loop() -> None:
    """The loop as a picture, and where this studio stands in it."""
    st.markdown(
        "One run is a beginning. What the tuned model still gets wrong tells you **which examples are missing**; a "
        "person's correction of an answer is the best labeled example there is."
    )
    st.markdown(
        "```mermaid\nflowchart LR\n  prepare[Prepare examples] --> validate[Validate] --> train[Train] --> "
        "deploy[Deploy]\n"
        "  deploy --> test[Test and compare] --> feedback[Collect feedback] --> retrain[Correct and add]\n"
        "  retrain --> validate\n```"
    )
    steps = home.overview().journey
    done = sum(step.done for step in steps)
    components.heading("Where this studio stands", f"{done} of {len(steps)} steps done, from real state")
    with st.grid(2, min_column_width=280):
        for step in steps:
            with st.container(border=True, height="stretch", gap=None, key=f"loop_{step.id}"):
                icon = ":green[:material/check_circle:]" if step.done else ":gray[:material/radio_button_unchecked:]"
                st.markdown(f"{icon} **{step.title}**")
                st.caption(step.detail)
                if step.page and navigation.exists(step.page):
                    st.page_link(navigation.page_file(step.page), label="Open", icon=":material/arrow_forward:")


def retrieval() -> None:
    """What belongs into weights, what into a search, and what each arrangement costs per call."""
    st.markdown(
        "Fine-tuning teaches **how** to answer: form, tone, the steps of a task, and facts that stay. Retrieval "
        "brings **what is true today** into the prompt. Together, the tuned model reads the passages in your way and "
        "needs no instructions for it."
    )
    work, figure = st.columns([4, 7], gap="medium")
    with work:
        passages = st.slider("Retrieved passages per call", 0, 10, 3, key="passages")
        length = st.slider("Tokens of a passage", 50, 800, 250, step=50, key="passage_tokens")
        instructions = st.slider("Tokens of instructions", 0, 2_000, 400, step=50, key="instruction_tokens")
    ways = costs.arrangements(
        instructions=instructions, question=20, answer=60, passages=passages, passage_tokens=length
    )
    with figure, st.container(border=True):
        token_bars(ways, key="retrieval_cost")
        base, tuned = ways[1 if passages else 0], ways[-1]
        st.markdown(
            f"**{number(base.per_call - tuned.per_call)} tokens less per call**: {number(base.per_call)} for the "
            f"base, {number(tuned.per_call)} for the tuned model, on the same passages."
        )
    with st.grid(3, min_column_width=250):
        _note("Into the weights", "Tone, format, the steps of a task, words of the trade, rules that hold for months.")
        _note("Into the search", "Prices, stock, cases, anything that must be quoted or may be deleted on request.")
        _note("Both", "Labeled examples whose input already holds the passages, so that it learns to answer from them.")


def _note(title: str, text: str) -> None:
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.markdown(f"**{title}**")
        st.markdown(f":gray[{text}]")


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a person sees, where it comes from, what to do, and the figure that shows it."""

    title: str
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    figure: Callable[[], None]


def trouble() -> None:
    """Pick what you see; the causes stand in the order in which they are likely."""
    picked = st.selectbox("What do you see?", [symptom.title for symptom in SYMPTOMS], key="symptom")
    symptom = next(item for item in SYMPTOMS if item.title == picked)
    words, figure = st.columns([5, 6], gap="medium")
    with words:
        st.markdown("**Likely causes**\n" + "\n".join(f"1. {cause}" for cause in symptom.causes))
        st.markdown("**What to do**\n" + "\n".join(f"1. {remedy}" for remedy in symptom.remedies))
    with figure, st.container(border=True, gap="xsmall"):
        symptom.figure()


def _shape(shape_id: str) -> Callable[[], None]:
    def draw() -> None:
        train, validation = curves.draw(shape_id)
        fig = go.Figure()
        for name, points, color in (("Training", train, charts.BASE), ("Validation", validation, charts.TUNED)):
            steps, losses = zip(*points, strict=True)
            fig.add_scatter(name=name, x=steps, y=losses, mode="lines", line={"color": color, "width": 2})
        fig.update_yaxes(rangemode="tozero")
        reading = curves.read_curve(train, validation)
        charts.chart(
            fig, key="symptom_curve", alt=f"A loss curve of this kind: {reading.title}", height=240, x="step", y="loss"
        )
        st.caption(f"How the curve looks then (drawn from a formula). {reading.remedy}")

    return draw


def _savings() -> None:
    chosen = st.select_slider("Model", list(compare.SIZES), "7B", key="saving_size")
    card = st.selectbox("Card", list(compare.GPUS), 2, key="saving_gpu")
    for saving in compare.savings(chosen, card):
        state = {"fits": ("green", "check"), "tight": ("orange", "warning"), "too_large": ("red", "close")}[
            saving.memory.verdict
        ]
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(saving.title, width="content")
            st.markdown(f":{state[0]}-badge[:material/{state[1]}: {size(saving.memory.expected)}]", width="content")


def _workers() -> None:
    running = tasks.workers()
    st.markdown(f"**Workers running now: {len(running)}**")
    for worker in running:
        st.caption(f"{worker.queue}: {worker.state}")
    waiting = tasks.list_tasks(state="pending", limit=5)
    st.markdown(f"**Tasks waiting now: {len(waiting)}**")
    for task in waiting:
        st.caption(f"{task.title}: {tasks.waiting_reason(task) or 'about to start'}")
    if not running:
        st.markdown("Start the studio with `make run`, or a worker alone with `sft worker`.")


SYMPTOMS = (
    Symptom(
        "The run stops: out of memory",
        (
            "Batch or maximum length too large for the card.",
            "Another program holds its memory.",
            "The model is too large for the method.",
        ),
        (
            "Halve the batch; raise gradient accumulation to match.",
            "Lower the maximum length to what your examples need.",
            "Take QLoRA or a smaller model.",
        ),
        _savings,
    ),
    Symptom(
        "The loss rises or turns into NaN",
        ("Learning rate too high.", "No warm-up.", "A few broken or enormous examples."),
        ("Divide the learning rate by 3 to 10.", "Set the warm-up to 0.1.", "Look at the findings of the dataset."),
        _shape("too_high"),
    ),
    Symptom(
        "The loss hardly falls",
        (
            "Learning rate too low.",
            "Outputs are cut off by the maximum length, so that nothing is left to learn.",
            "The examples contradict each other.",
        ),
        (
            "Raise the learning rate 3 to 10 times.",
            "See in the job's forecast how many answers are lost.",
            "Give the same input the same output.",
        ),
        _shape("too_low"),
    ),
    Symptom(
        "Good on training questions, poor on others",
        (
            "Too many epochs for so few examples.",
            "Every input is worded the same way.",
            "Nothing was held out, so nobody noticed.",
        ),
        ("Train fewer epochs.", "Add the same questions in other words.", "Hold out a validation part."),
        _shape("overfit"),
    ),
    Symptom(
        "Tuned answers look like the base's",
        (
            "Too few steps.",
            "The system message differs from the one in training.",
            "The chat uses the base, not the tuned model.",
        ),
        (
            "Train more epochs.",
            "Send the system message of your examples.",
            "Put both side by side on the Compare screen.",
        ),
        _shape("unfinished"),
    ),
    Symptom(
        "A job stays on Pending",
        (
            "No worker is running.",
            "Another run has the card.",
            "It waits for another task, such as building the starter.",
        ),
        ("Start the studio or a worker.", "Wait, or cancel the run before it.", "Look at Background jobs."),
        _workers,
    ),
)


def questions() -> None:
    """Questions that people ask, searched by word; the numbers in the answers are the studio's own limits."""
    wanted = (
        st.text_input("Search", placeholder="for example: GPU, how long, epochs", key="faq_search").strip().casefold()
    )
    every = common_questions()
    found = [item for item in every if wanted in f"{item.question} {item.answer}".casefold()]
    st.caption(f"{len(found)} of {len(every)} questions")
    if not found:
        st.markdown(":gray[No question holds that word. Try a shorter one.]")
    for item in found:
        with st.expander(item.question, expanded=bool(wanted) and len(found) <= 3):
            st.markdown(item.answer)
