"""Chat with a tuned model, or with a base model to see the difference. Answers are streamed."""

from __future__ import annotations

import streamlit as st

from core.services.serving import chat
from core.services.serving.chat import ChatOptions
from pages.ui import components, first_steps, guard
from pages.ui.answers import chat_stream
from pages.ui.errors import boundary, show_error
from pages.ui.escaping import md_answer
from pages.ui.format import md, sentence

guard.require()

LEAD = "Talk to your model the way your users will."


def choose(found: list[chat.ChatModel]) -> chat.ChatModel:
    """Model, settings and the Clear button, in one row."""
    by_id = {model.id: model for model in found}
    asked = st.query_params.get("model", "")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="chat_bar"):
        if asked and asked not in by_id:
            st.toast("The model in the address was archived or deleted. Another one is selected.", duration="long")
        titles = {model.id: model.title + ("" if model.kind == "tuned" else " (base)") for model in found}
        model_id = components.pick("Model", titles, "model", asked, width=320)
        with st.popover("Settings", icon=":material/tune:"):
            st.text_area(
                "System message",
                key="system",
                placeholder="Context and instructions for the model",
                help="Context and instructions for the model, sent before every conversation.",
            )
            st.slider(
                "Maximum answer length (tokens)",
                16,
                1024,
                256,
                16,
                key="max_tokens",
                help="The maximum length of an answer.",
            )
            st.slider(
                "Temperature",
                0.0,
                1.5,
                0.0,
                0.1,
                key="temperature",
                help="0 always picks the most likely token. Higher values are more varied and less precise.",
            )
        if st.session_state.get("chat") and st.button("Clear chat", icon=":material/delete_sweep:", key="clear"):
            st.session_state.chat = []
            st.rerun()
    if model_id != (asked or next(iter(by_id))):  # each write is a step of the browser's history: only for a choice
        st.query_params["model"] = model_id
    return by_id[model_id]


def history(model: chat.ChatModel) -> None:
    """What was said so far; an empty chat offers questions that the model was taught."""
    turns = st.session_state.setdefault("chat", [])
    if not turns:
        with st.container(border=True, gap="small", key="chat_empty"):
            st.markdown(f"**:material/forum: {md(model.title)}**")
            st.caption(_about(model))
            if model.kind == "tuned":
                _ideas(chat.suggestions(model.id, 6))
    for turn in turns:
        with st.chat_message(turn["role"], avatar=_avatar(turn["role"])):
            if turn["role"] == "user":
                st.text(turn["content"])
            else:
                st.markdown(md_answer(turn["content"]))
                st.caption(turn["note"])


def reply(model: chat.ChatModel) -> None:
    """Stream the answer to the last question; a failure shows what to do and keeps the conversation."""
    turns = st.session_state.chat
    system = st.session_state.get("system", "").strip()
    messages = [{"role": "system", "content": system}] if system else []
    messages += [{"role": turn["role"], "content": turn["content"]} for turn in turns]
    with st.chat_message("assistant", avatar=_avatar("assistant")):
        place, note = st.empty(), st.empty()
        (answer,) = chat_stream.ask(
            [model.id], messages, ChatOptions(st.session_state.max_tokens, st.session_state.temperature)
        )
        for _ in chat_stream.while_open([answer]):
            if answer.text:
                place.markdown(md_answer(answer.text + ("" if answer.done else " ▌")))
            elif not answer.done:
                place.caption(answer.waiting())
        if answer.error:
            place.empty()
            show_error(answer.error)
            with st.container(horizontal=True, gap="small"):
                st.button("Try again", icon=":material/refresh:", key="again")
                # A question that cannot be answered would block every later one.
                st.button("Remove the question", icon=":material/undo:", key="remove_question", on_click=turns.pop)
            return
        if not answer.text:
            place.caption("The model returned an empty answer.")
        quiet = f"{md(model.title)} · {answer.figures()}"
        note.caption(quiet)
    turns.append({"role": "assistant", "content": answer.text, "note": quiet})


def _ideas(ideas: list[chat.SuggestedQuestion]) -> None:
    """Questions to try: first what the model should answer as expected, then what it was not trained on."""
    for known, title in ((True, "Try a question that it has learned:"), (False, "Or one that its training never saw:")):
        group = [(number, idea) for number, idea in enumerate(ideas) if idea.known is known]
        if not group:
            continue
        st.caption(title)
        with st.container(gap=None):
            for number, idea in group:
                if st.button(
                    md(idea.question, 90), key=f"idea_{number}", icon=":material/arrow_outward:", type="tertiary"
                ):
                    st.session_state.asked = idea.question
                    st.rerun()


def _about(model: chat.ChatModel) -> str:
    if model.kind == "tuned":
        return f"Tuned from {md(model.base_title)}. Ask what your users ask."
    return sentence(model.text)


def _avatar(role: str) -> str:
    return ":material/person:" if role == "user" else ":material/deployed_code:"


with boundary():
    components.page_header("Chat", LEAD, "Use")
    found = chat.available_models()
    if not found:
        first_steps.no_model(
            "chat", "No model to chat with yet", "When a training job succeeds, its model appears here.", key="no_chat"
        )
    else:
        question = st.chat_input("Ask a question", key="question") or st.session_state.pop("asked", None)
        if question:
            st.session_state.setdefault("chat", []).append({"role": "user", "content": question})
        chat_stream.warm_up()
        model = choose(found)
        history(model)
        if st.session_state.chat and st.session_state.chat[-1]["role"] == "user":
            reply(model)
