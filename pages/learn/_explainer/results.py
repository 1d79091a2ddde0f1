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
    """The iteration loop as a diagram, and this studio's progress in it."""
    st.markdown(
        "The first run is a start. What the tuned model still gets wrong shows **which examples are missing**, and a "
        "user's correction of an answer is the best labeled example you can get."
    )
    st.markdown(
        "```mermaid\nflowchart LR\n  prepare[Prepare examples] --> validate[Validate] --> train[Train] --> "
        "deploy[Deploy]\n"
        "  deploy --> test[Test and compare] --> feedback[Collect feedback] --> retrain[Correct and add]\n"
        "  retrain --> validate\n```"
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
                if step.page and navigation.exists(step.page):
                    st.page_link(navigation.page_file(step.page), label="Open", icon=":material/arrow_forward:")


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
        _note(
            "In the weights", "Tone, format, the steps of a task, technical terms, rules that stay the same for months."
        )
        _note("In the search index", "Prices, stock, cases, and anything that must be quoted or deleted on request.")
        _note("Both", "Labeled examples with passages in the input, so that the model learns to answer from them.")


def _note(title: str, text: str) -> None:
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.markdown(f"**{title}**")
        st.markdown(f":gray[{text}]")


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a user sees, its likely causes, what to do, and a figure."""

    title: str
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    figure: Callable[[], None]


def trouble() -> None:
    """Pick a symptom; the causes are listed from most to least likely."""
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
        st.caption(f"A typical curve (generated from a formula). {reading.remedy}")

    return draw


def _savings() -> None:
    chosen = st.select_slider("Model", list(compare.SIZES), "7B", key="saving_size")
    card = st.selectbox("GPU", list(compare.GPUS), 2, key="saving_gpu")
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
        st.markdown("Start the studio with `make run`, or only a worker with `sft worker`.")


SYMPTOMS = (
    Symptom(
        "The run ran out of memory",
        (
            "Batch size or maximum length is too large for the GPU.",
            "Another program uses GPU memory.",
            "The model is too large for the method.",
        ),
        (
            "Halve the batch size; double gradient accumulation.",
            "Lower the maximum length to what your examples need.",
            "Use QLoRA or a smaller model.",
        ),
        _savings,
    ),
    Symptom(
        "The loss rises or turns into NaN",
        ("Learning rate too high.", "No warm-up.", "A few broken or extremely long examples."),
        ("Divide the learning rate by 3 to 10.", "Set the warm-up to 0.1.", "Check the dataset's findings."),
        _shape("too_high"),
    ),
    Symptom(
        "The loss barely falls",
        (
            "Learning rate too low.",
            "The maximum length cuts off the outputs, so nothing is left to learn.",
            "The examples contradict each other.",
        ),
        (
            "Raise the learning rate by 3 to 10 times.",
            "Check in the job's forecast how many answers are lost.",
            "Use the same output for the same input.",
        ),
        _shape("too_low"),
    ),
    Symptom(
        "Good on training questions, poor on others",
        (
            "Too many epochs for so few examples.",
            "All inputs are worded the same way.",
            "No examples were held out, so it went unnoticed.",
        ),
        ("Train fewer epochs.", "Add the same questions in other words.", "Hold out validation examples."),
        _shape("overfit"),
    ),
    Symptom(
        "Tuned answers look like the base's",
        (
            "Too few steps.",
            "The system message differs from the one in training.",
            "Chat uses the base model, not the tuned one.",
        ),
        (
            "Train more epochs.",
            "Send the system message of your examples.",
            "Compare both side by side on the Compare screen.",
        ),
        _shape("unfinished"),
    ),
    Symptom(
        "A job stays on Pending",
        (
            "No worker is running.",
            "Another run uses the GPU.",
            "It waits for another task, such as building the starter.",
        ),
        ("Start the studio or a worker.", "Wait, or cancel the other run.", "Check Background jobs."),
        _workers,
    ),
)


def questions() -> None:
    """Common questions with a search; the numbers in the answers are the studio's own limits."""
    word = (
        st.text_input("Search", placeholder="for example: GPU, how long, epochs", key="faq_search").strip().casefold()
    )
    every = common_questions()
    found = [item for item in every if word in f"{item.question} {item.answer}".casefold()]
    st.caption(f"{len(found)} of {len(every)} questions")
    if not found:
        st.markdown(":gray[No question contains that word. Try a shorter one.]")
    for item in found:
        with st.expander(item.question, expanded=bool(word) and len(found) <= 3):
            st.markdown(item.answer)
