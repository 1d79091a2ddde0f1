"""Explainer, first chapter: what fine-tuning is, when to use it, and how a row becomes an example."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.services.learn.explain import costs, example
from core.text import estimated_tokens
from pages.learn._explainer import decision
from pages.learn._explainer.data import token_view
from pages.ui import charts, components, navigation, theme
from pages.ui.diagram import diagram
from pages.ui.format import number

INSTRUCTIONS = (
    "You work at the help desk of a garden tools store. Answer in at most two sentences, link the page where the "
    "customer can continue, never promise a date, and never quote a price that is not in the list below. Be friendly, "
    "avoid slang.\n"
    "Example: 'What is the refund policy?' -> 'We offer a 30-day money-back guarantee...'\n"
    "Example: 'Can I change my order?' -> 'Yes, until it is packed...'"
)
QUESTION_TOKENS, ANSWER_TOKENS = 20, 40
BENEFITS = (
    ("target", "Better accuracy", "More correct answers to your questions than with a prompt alone."),
    ("rule", "Consistent responses", "The same format, length and tone every time."),
    ("domain", "Domain expertise", "The model knows your names, rules and products."),
    ("compress", "Smaller prompts", "What the model has learned need not be repeated in every call."),
)


def what() -> None:
    """An example, four benefits, and the tokens that a shorter prompt saves, computed from the reader's text."""
    st.markdown(
        "A pretrained model writes well but knows nothing about your work. **Supervised fine-tuning** shows it "
        "*labeled examples*: an **input**, such as a user's question, and the **output** you want. In each step the "
        "model predicts the outputs, and its weights move slightly toward yours. After a few hundred steps it answers "
        "similar inputs the way your examples do, without further instructions."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        components.pair(
            "What's the refund policy?",
            "We offer a 30-day money-back guarantee, no questions asked.",
            key="explainer",
            note="Each example is a supervised learning pair: input → output",
        )
    with right, st.grid(2, min_column_width=160):
        for icon, title, text in BENEFITS:
            with st.container(gap=None):
                st.markdown(f":gray[:material/{icon}:] **{title}**")
                st.caption(text)
    components.section_gap()
    components.heading("What a shorter prompt saves", "tokens estimated as characters / 4")
    work, figure = st.columns([5, 6], gap="medium")
    with work:
        text = st.text_area("Instructions you send with every call", INSTRUCTIONS, height=180, key="instructions")
        calls = st.slider("Calls per day", 50, 10_000, 1_000, step=50, key="calls")
    ways = costs.arrangements(instructions=estimated_tokens(len(text)), question=QUESTION_TOKENS, answer=ANSWER_TOKENS)
    with figure, st.container(border=True):
        token_bars(ways, key="prompt_cost")
        before, after = (way.per_month(calls) for way in ways)
        st.markdown(
            f"**{number(before - after)} tokens** saved per month at {calls:,} calls per day: {number(before)} with "
            f"instructions, {number(after)} tuned."
        )


def token_bars(ways: list[costs.Arrangement], key: str) -> None:
    """Tokens per call by purpose; one bar per setup."""
    titles = [way.title.replace(", with ", "\nwith ") for way in reversed(ways)]
    parts = (
        ("Instructions", charts.BASE_SOFT, [way.instructions for way in reversed(ways)]),
        ("Passages", charts.INK, [way.passages for way in reversed(ways)]),
        ("Input", charts.BASE, [way.question for way in reversed(ways)]),
        ("Output", charts.TUNED, [way.answer for way in reversed(ways)]),
    )
    fig = go.Figure(
        [
            go.Bar(name=name, y=titles, x=values, orientation="h", marker_color=color)
            for name, color, values in parts
            if any(values)
        ]
    )
    fig.update_layout(barmode="stack")
    alt = "Tokens per call: " + "; ".join(f"{way.title} {way.per_call}" for way in ways)
    charts.chart(fig, key=key, alt=alt, height=110 + 46 * len(ways), x="tokens per call")


def when() -> None:
    """The decision flow: one question at a time, and a chart of the path taken."""
    answers: dict[str, bool] = st.session_state.setdefault("decision", {})
    asked, advice = decision.follow(answers)
    flow, reached = st.columns(2, gap="medium")
    with flow:
        for question in asked:
            _question(question, answers)
    with reached:
        if advice is not None:
            with st.container(border=True, key="on_advice"):
                st.markdown(f":blue[:material/flag:] **{advice.title}**")
                st.markdown(advice.text)
                if advice.page:
                    st.page_link(
                        navigation.page_file(advice.page), label=advice.action, icon=":material/arrow_forward:"
                    )
        if answers:
            st.button("Start over", type="tertiary", icon=":material/restart_alt:", on_click=answers.clear)
    diagram(decision.mermaid(answers, theme.PALETTE["accent-6"][0]))  # a picture, which knows no theme
    with st.grid(2, min_column_width=250):
        _list(
            "Use it when you have",
            "check",
            ("100+ good examples", "specific patterns", "consistent formats", "many similar calls"),
        )
        _list(
            "Don't use it when",
            "close",
            (
                "you have under 50 examples: use a prompt",
                "the task changes often",
                "answers need live facts: use retrieval",
                "the task is simple: use a prompt",
            ),
        )


def _question(question: decision.DecisionStep, answers: dict[str, bool]) -> None:
    given = answers.get(question.id)
    with st.container(border=given is None, gap="xsmall", key=f"question_{question.id}"):
        if given is not None:
            word = "Yes" if given else "No"
            st.markdown(f":gray[{question.text}] **{word}**")
            return
        st.markdown(f"**{question.text}**")
        st.caption(question.help)
        with st.container(horizontal=True, gap="xsmall"):
            for word, value in (("Yes", True), ("No", False)):
                key = f"{question.id}_{word.lower()}"
                st.button(word, key=key, width=96, on_click=answers.__setitem__, args=(question.id, value))


def _list(title: str, icon: str, lines: tuple[str, ...]) -> None:
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.markdown(f"**{title}**")
        for line in lines:
            st.markdown(f":gray[:material/{icon}:] {line}")


def way() -> None:
    """The steps from a row of a table to tokens, computed by the studio's own code."""
    diagram(
        """flowchart TB
  subgraph prepare[" "]
    direction LR
    file[File] --> rows[Rows] --> pairs[Labeled examples] --> checks([Checks]) -->|left out| list[Rows left out]
  end
  subgraph train[" "]
    direction LR
    set[Dataset version] --> job[Training job] --> model[Model] --> chat[Chat, compare]
  end
  prepare -->|accepted| train
  style prepare fill:none,stroke:none
  style train fill:none,stroke:none"""
    )
    st.markdown(
        "Corrections of answers become new labeled examples. Enter a row of a table and follow it through the studio's "
        "own template, checks and renderer."
    )
    work, stations = st.columns([4, 7], gap="medium")
    with work:
        question = st.text_input("Column `question`", "Do you ship abroad?", key="way_question")
        answer = st.text_area("Column `answer`", "Yes, we ship to 24 countries.", key="way_answer")
        system = st.text_input("System message", "You are the help desk of an online store.", key="way_system")
    with stations:
        reached, tokens = example.follow_row(question, answer, system)
        for station in reached:
            with st.container(border=True, gap="xsmall", key=f"station_{station.id}"):
                st.markdown(f"**{station.title}**")
                st.caption(station.text)
                st.code(station.shown, language=station.language, wrap_lines=True)
        if tokens:
            with st.container(border=True, gap="xsmall", key="station_tokens"):
                st.markdown("**5. Tokens**")
                token_view(tokens)
