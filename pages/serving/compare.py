"""Base and tuned: the same question to both models, their answers side by side, and a test on all examples."""

from __future__ import annotations

import streamlit as st

from core.errors import NotFound
from core.messages import Message
from core.services.serving import chat
from pages.serving._compare import answer_card, exact_match_test
from pages.ui import components, first_steps, guard
from pages.ui.answers import chat_stream
from pages.ui.errors import boundary
from pages.ui.format import md, short

guard.require()

LEAD = "The same question to both models. Judge the answers first, then look at the numbers."


def choose(tuned: list[chat.ChatModel]) -> chat.ChatModel:
    """The tuned model; it determines the base."""
    by_id = {model.id: model for model in tuned}
    asked = st.query_params.get("model", "")
    titles = {model.id: model.title for model in tuned}
    model_id = components.pick("Tuned model", titles, "tuned", asked, help="Its base model answers beside it.")
    if model_id != (asked or next(iter(by_id))):  # only for a choice: each write adds a step to the browser's history
        st.query_params["model"] = model_id
    return by_id[model_id]


def question_card(model: chat.ChatModel) -> tuple[str, chat.SuggestedQuestion | None, bool]:
    """(question, its example if picked from the dataset, whether it is asked now)."""
    ideas = {idea.question: idea for idea in chat.suggestions(model.id, 6)}
    with st.container(border=True, gap="small", key="ask"):
        _pick_idea(model, list(ideas.values()))
        question = st.text_area("Question", key="question", height=80, placeholder="Ask what your users ask").strip()
        idea = ideas.get(question)
        with components.spread():
            hint = st.container(width="content")
            asked = st.button("Ask both", icon=":material/send:", type="primary", key="ask_both")
        if asked and not question:
            hint.error("Type a question, or pick one.", icon=":material/error:")
        else:
            hint.caption(idea.label if idea else "Type a question, or pick one.")
    return question, idea, asked and bool(question)


def _pick_idea(model: chat.ChatModel, ideas: list[chat.SuggestedQuestion]) -> None:
    """Questions from the dataset: first what the model should answer as expected, then what it was not trained on."""
    for known, title in ((True, "It has learned to answer"), (False, "Its training never saw")):
        if questions := [idea.question for idea in ideas if idea.known is known]:
            st.pills(
                title,
                questions,
                format_func=lambda q: md(short(q, 44)),
                key=f"idea_{model.id}_{known}",
                help="Examples from the dataset. The expected answer is shown for them.",
                on_change=_take_idea,
                args=(f"idea_{model.id}_{known}", f"idea_{model.id}_{not known}"),
            )


def _take_idea(key: str, other: str) -> None:
    """Put the picked question into the field; only one is picked in both rows."""
    if picked := st.session_state[key]:
        st.session_state.question = picked
        st.session_state[other] = None


def answers(
    model: chat.ChatModel, base: chat.ChatModel, question: str, idea: chat.SuggestedQuestion | None, asked: bool
) -> None:
    """Stream both answers at once; the last pair remains on the screen."""
    slot = f"pair_{model.id}"
    if asked:
        messages = idea.messages if idea else [Message("user", question)]
        pair = chat_stream.ask([base.id, model.id], messages)
        st.session_state[slot] = (question, idea.expected if idea else "", pair)
    if slot not in st.session_state:
        return
    asked_before, expected, pair = st.session_state[slot]
    components.section_gap()
    components.heading(md(short(asked_before, 90)), "Last question" if asked_before != question else None)
    if expected:
        with st.container(border=True, gap=None, key="expected"):
            st.caption("EXPECTED")
            st.text(expected)
    left, right = st.columns(2)
    with left:
        base_card = answer_card.card(base, tuned=False)
    with right:
        tuned_card = answer_card.card(model, tuned=True)
    for _ in chat_stream.while_open(pair):
        base_card.draw(pair[0], expected)
        tuned_card.draw(pair[1], expected)


with boundary():
    found = chat.available_models()
    tuned = [model for model in found if model.kind == "tuned"]
    if not tuned:
        components.page_header("Base and tuned", LEAD, "Use")
        first_steps.no_model(
            "compare_arrows",
            "Nothing to compare yet",
            "Train a model, or activate an archived one in Models. It answers here next to its base.",
            key="no_compare",
        )
    else:
        head = st.container()
        chat_stream.warm_up()
        model = choose(tuned)
        base = next((one for one in found if one.kind == "base" and one.id == model.base_id), None)
        where = f"Compare · {md(model.base_title)} and {md(model.title)}"
        with head:
            components.page_header("Base and tuned", LEAD, where)
        if base is None:
            raise NotFound(
                f"The base of “{model.title}”, {model.base_title}, is no longer on this machine.",
                "Download it again in New job, or compare another model.",
            )
        answers(model, base, *question_card(model))
        exact_match_test.on_all_examples(model)
