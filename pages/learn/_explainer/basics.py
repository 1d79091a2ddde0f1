"""Explainer, first chapter: what fine-tuning is, when it pays, and the way of one example."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.services.learn.explain import costs, example
from core.text import estimated_tokens
from pages.learn._explainer import decision
from pages.learn._explainer.data import token_view
from pages.ui import charts, components, navigation
from pages.ui.format import number

INSTRUCTIONS = (
    "You work at the help desk of a shop for garden tools. Answer in at most two sentences, name the page where the "
    "customer "
    "can go on, never promise a date, and never quote a price that is not in the list below. Write warmly, use no "
    "slang.\n"
    "Example: 'What is the refund policy?' -> 'We offer a 30-day money-back guarantee...'\n"
    "Example: 'Can I change my order?' -> 'Yes, until it is packed...'"
)
QUESTION_TOKENS, ANSWER_TOKENS = 20, 40
BENEFITS = (
    ("target", "Better accuracy", "On your kind of question it is right more often than a prompt alone."),
    ("rule", "Consistent responses", "The same form, length and tone each time."),
    ("domain", "Domain expertise", "Your names, rules and products become second nature."),
    ("compress", "Smaller prompts", "What was learnt need not be written out in every call."),
)


def what() -> None:
    """What it is, as a pair and four benefits, and what a shorter prompt saves on the reader's own text."""
    st.markdown(
        "A ready-made model writes well, and knows nothing of your work. **Supervised fine-tuning** shows it "
        "*labeled examples*: an **input**, what someone asks, and the **output** you wish for. The model tries, its "
        "words are compared with yours, and its weights move a little towards them. After a few hundred such steps "
        "it answers similar inputs in your way, without being told how."
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
        text = st.text_area("Instructions you would send in every call", INSTRUCTIONS, height=180, key="instructions")
        calls = st.slider("Calls a day", 50, 10_000, 1_000, step=50, key="calls")
    ways = costs.arrangements(instructions=estimated_tokens(len(text)), question=QUESTION_TOKENS, answer=ANSWER_TOKENS)
    with figure, st.container(border=True):
        token_bars(ways, key="prompt_cost")
        before, after = (way.per_month(calls) for way in ways)
        st.markdown(
            f"**{number(before - after)} tokens** saved in a month of {calls:,} calls a day: {number(before)} with "
            f"instructions, {number(after)} tuned."
        )


def token_bars(ways: list[costs.Arrangement], key: str) -> None:
    """Tokens of one call, by what they are for; one bar per arrangement."""
    titles = [way.title.replace(", with ", "<br>with ") for way in reversed(ways)]
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
    alt = "Tokens of one call: " + "; ".join(f"{way.title} {way.per_call}" for way in ways)
    charts.chart(fig, key=key, alt=alt, height=110 + 46 * len(ways), x="tokens per call")


def when() -> None:
    """The decision flow: one question at a time, and the chart with the way taken."""
    answers: dict[str, bool] = st.session_state.setdefault("decision", {})
    asked, advice = decision.follow(answers)
    flow, chart = st.columns([5, 6], gap="medium")
    with flow:
        for question in asked:
            _question(question, answers)
        if advice is not None:
            with st.container(border=True, key="on_advice"):
                st.markdown(f":blue[:material/flag:] **{advice.title}**")
                st.markdown(advice.text)
                if advice.page and navigation.exists(advice.page):
                    st.page_link(
                        navigation.page_file(advice.page), label=advice.action, icon=":material/arrow_forward:"
                    )
        if answers:
            st.button("Start over", type="tertiary", icon=":material/restart_alt:", on_click=answers.clear)
    with chart:
        st.markdown(f"```mermaid\n{decision.mermaid(answers, charts.SEQ[5])}\n```")
    with st.grid(2, min_column_width=250):
        _list(
            "It pays",
            "check",
            ("100 and more good examples", "specific patterns", "consistent formats", "many similar calls"),
        )
        _list(
            "It does not",
            "close",
            (
                "under 50 examples: a prompt does as well",
                "the task changes often",
                "answers need live facts: use retrieval",
                "the task is simple",
            ),
        )


def _question(question: decision.Question, answers: dict[str, bool]) -> None:
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
    """The stations of one row, each shown as the studio really computes it."""
    st.markdown(
        "```mermaid\nflowchart LR\n  file[File] --> rows[Rows] --> pairs[Labeled examples] --> checks{Checks}\n"
        "  checks -->|accepted| set[Dataset version]\n  checks -->|rejected| list[List of rejects]\n"
        "  set --> job[Training job] --> model[Model] --> chat[Chat, compare]\n  chat -. corrections .-> pairs\n```"
    )
    st.markdown(
        "Write a row of a table below and follow it. The studio's own template, checks and renderer do the work."
    )
    work, stations = st.columns([4, 7], gap="medium")
    with work:
        question = st.text_input("Column `question`", "Do you ship abroad?", key="way_question")
        answer = st.text_area("Column `answer`", "Yes, we ship to 24 countries.", key="way_answer")
        system = st.text_input("System message", "You are the help desk of a shop.", key="way_system")
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
