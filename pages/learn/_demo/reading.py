"""What to read and to try while the demo runs: about the step that runs now, and a ticket to answer yourself."""

from __future__ import annotations

import streamlit as st

from core.services.learn import demo
from core.services.learn.demo import DemoRecord, SampleDataset
from core.services.serving import chat
from pages.ui import components, navigation
from pages.ui.format import md

_TEXTS = {  # step -> (icon, title, paragraphs, section of the explainer, the word of its link)
    "starter": (
        "deployed_code",
        "A model is built from nothing",
        (
            "Its weights begin as random numbers. It reads short texts written by this studio, guesses each next "
            "token, and every wrong guess changes the weights a little. This is *pretraining*.",
            "A model that you download went through the same with trillions of tokens. This one is small: it learns "
            "how questions and answers look, and almost no facts. That makes the effect of fine-tuning easy to see.",
        ),
        "what",
        "What fine-tuning is",
    ),
    "training": (
        "model_training",
        "The base is fine-tuned",
        (
            "In each step the model answers a few examples. The *loss* says how unlikely it found the expected "
            "answers; the weights move so that they become more likely. Once through all examples is an *epoch*.",
            "LoRA leaves the base unchanged and trains two small matrices beside each layer. Watch the validation "
            "curve: if it rises while the training curve falls, the model memorizes instead of learning a pattern.",
        ),
        "curves",
        "How to read a loss curve",
    ),
    "test": (
        "compare_arrows",
        "Both models are asked",
        (
            "Base and tuned model answer the same examples, none of which were used for training. Every answer is "
            "compared with the expected one, field by field.",
            "Half of the examples are in wordings that the training never saw. The gap between the two halves shows "
            "how much the model learned to understand, and how much it learned by its words.",
        ),
        "loop",
        "What comes after the test",
    ),
}
_TEXTS["dataset"] = _TEXTS["base"] = _TEXTS["starter"]
_PLACE, _SHOWN = "demo_ticket", "demo_ticket_answer"


def while_it_runs(record: DemoRecord) -> None:
    """The text about the running step beside a ticket to answer."""
    components.section_gap()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        components.heading("Worth reading while it runs")
        _about(current(record))
    with right:
        _your_turn(demo.sample(record.sample))


def current(record: DemoRecord) -> str:
    """The id of the step that runs, or of the next one that will."""
    return next((step.id for step in record.steps if step.state != "done"), "test")


def _about(step: str) -> None:
    icon, title, paragraphs, section, link = _TEXTS[step]
    with st.container(border=True, gap="small", key=f"reading_{step}"):
        st.markdown(f"**:blue[:material/{icon}:] {title}**")
        for paragraph in paragraphs:
            st.markdown(f":small[{paragraph}]")
        st.page_link(
            navigation.page_file("explainer"),
            label=link,
            icon=":material/arrow_forward:",
            query_params={"topic": section},
        )


@st.fragment
def _your_turn(sample: SampleDataset) -> None:
    """One held-out example after another: guess the answer, then look."""
    tickets = sample.test or sample.validation
    place = int(st.session_state.get(_PLACE, 0)) % len(tickets)
    question, answer = (message.content for message in tickets[place].messages if message.role != "system")
    components.heading("Your turn", f"{place + 1} of {len(tickets)} that it never sees")
    with st.container(border=True, gap="small", key="your_turn"):
        st.caption("INPUT")
        st.text(question)
        if st.session_state.get(_SHOWN):
            st.markdown(":small[:blue[OUTPUT]]")
            st.text(answer)
        else:
            fields = chat.json_fields([answer])
            form = (
                f" as a JSON object with {md(', '.join(fields[:-1]))} and {md(fields[-1])}" if len(fields) > 1 else ""
            )
            st.caption(f"What would you answer{form}? The model is trained on others like this one.")
        with st.container(horizontal=True, gap="small"):
            if not st.session_state.get(_SHOWN) and st.button("Show the answer", key="show_answer"):
                st.session_state[_SHOWN] = True
                st.rerun(scope="fragment")
            if st.button("Next", icon=":material/arrow_forward:", type="tertiary", key="next_ticket"):
                st.session_state.update({_PLACE: place + 1, _SHOWN: False})
                st.rerun(scope="fragment")
