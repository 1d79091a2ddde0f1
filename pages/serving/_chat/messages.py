"""The messages of a conversation, with what can be done with each."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import BudgetReached, StudioError
from core.services.serving import conversations, feedback
from core.services.serving.conversations import AnswerChoice, ConversationRecord, TurnRecord
from core.services.serving.feedback import Opinions
from pages.serving._chat import judging, sending
from pages.ui import copying, overrides, person
from pages.ui.answers import figures
from pages.ui.errors import show_error
from pages.ui.escaping import md_answer
from pages.ui.format import md, plural, sentence

SHOWN = 40  # messages; earlier ones are a click away
USER, MODEL = ":material/person:", ":material/deployed_code:"
_EDITING = "_editing_turn"


def earlier(conversation: ConversationRecord, choice: AnswerChoice | None) -> None:
    """Every message except an answer that is running. Without a choice there is no model to answer."""
    turns = conversation.turns
    slot = f"all_of_{conversation.id}"
    if len(turns) > SHOWN and not st.session_state.get(slot):
        if st.button(f"Show {plural(len(turns) - SHOWN, 'earlier message')}", key="show_earlier", type="tertiary"):
            st.session_state[slot] = True
            st.rerun()
        turns = turns[-SHOWN:]
    opinions = judging.read(conversation)
    for turn in turns:
        if turn.is_answer and not turn.is_running:
            with st.chat_message("assistant", avatar=MODEL):
                answer(conversation, turn, choice, opinions)
        elif not turn.is_answer:
            with st.chat_message("user", avatar=USER):
                _input(conversation, turn, choice)


def _input(conversation: ConversationRecord, turn: TurnRecord, choice: AnswerChoice | None) -> None:
    if choice is not None and st.session_state.get(_EDITING) == turn.id:
        _editor(conversation, turn, choice)
        return
    with st.container(gap="xsmall"):
        st.text(turn.content)
        with _actions(turn):
            copying.copy_button(turn.content, "the message")
            if choice is not None and st.button("Edit", icon=":material/edit:", type="tertiary", key=f"edit_{turn.id}"):
                st.session_state[_EDITING] = turn.id
                st.rerun()


def _editor(conversation: ConversationRecord, turn: TurnRecord, choice: AnswerChoice) -> None:
    text = st.text_area("Message", turn.content, key=f"edited_{turn.id}", label_visibility="collapsed")
    later = len(conversation.turns) - conversation.turns.index(turn) - 1
    if later:
        st.caption(f":material/info: Sending it again replaces the {plural(later, 'message')} below it.")
    with st.container(horizontal=True, gap="small"):
        if st.button("Send", icon=":material/send:", key=f"resend_{turn.id}", type="primary", shortcut="Ctrl+Enter"):
            act(lambda: conversations.edit(conversation.id, turn.id, text or "", choice, seen=conversation.last_id))
        if st.button("Cancel", key=f"cancel_edit_{turn.id}"):
            st.session_state.pop(_EDITING, None)
            st.rerun()


def answer(
    conversation: ConversationRecord,
    turn: TurnRecord,
    choice: AnswerChoice | None,
    opinions: dict[str, Opinions] | None = None,
) -> None:
    """A finished answer: its text, how it ended, its figures, its actions, and what people think of it."""
    with st.container(gap="xsmall"):
        if turn.content:
            st.markdown(md_answer(turn.content))
        elif turn.state == "complete":
            st.caption("The model returned an empty answer.")
        if turn.error:
            show_error(StudioError(str(turn.error.get("message", "")), str(turn.error.get("remedy", ""))))
        if ending := figures.ending(turn.state, turn.finish_reason, turn.settings.get("max_tokens")):
            st.caption(f":orange[:material/info:] {ending}")
        spent = figures.line(turn.seconds, turn.first_token_s, turn.completion_tokens, turn.prompt_tokens)
        st.caption(f"{md(turn.model_name)} · {spent}" if turn.content or not turn.error else md(turn.model_name))
        _under(conversation, turn, choice, {} if opinions is None else opinions)


@st.fragment
def _under(
    conversation: ConversationRecord, turn: TurnRecord, choice: AnswerChoice | None, opinions: dict[str, Opinions]
) -> None:
    """The actions of an answer, and what people think of it: drawn by itself, so that a vote does not draw the
    conversation again. `opinions` were read for the first time that it is drawn."""
    found = opinions.pop(turn.id, None) or feedback.of_turn(conversation.id, turn.id)
    mine = found.vote_of(person.name())
    with _actions(turn):
        if turn.content:
            copying.copy_button(turn.content, "the answer")
            judging.buttons(turn, mine)
        if turn.id == conversation.last_id and choice is not None:
            _again(conversation, turn, choice)
    judging.below(turn, mine, found)


def _again(conversation: ConversationRecord, turn: TurnRecord, choice: AnswerChoice) -> None:
    """What can be done about the last answer."""
    if st.button(
        "Try again" if turn.error else "Regenerate",
        icon=":material/refresh:",
        type="tertiary",
        key=f"again_{turn.id}",
        help="Replaces this answer by one of the selected model, with the current settings. At temperature 0, the same "
        "model gives the same answer.",
    ):
        act(lambda: conversations.regenerate(conversation.id, turn.id, choice, seen=turn.id))
    if turn.error and st.button("Remove message", icon=":material/undo:", type="tertiary", key=f"undo_{turn.id}"):
        asked = conversation.turns[-2]
        act(lambda: conversations.remove_from(conversation.id, asked.id, seen=turn.id))


def act(action: Callable[[], object]) -> None:
    """Change the conversation and show it again; a refusal is shown above its newest state."""
    try:
        action()
    except StudioError as error:
        st.session_state[sending.REFUSED] = error
    else:
        st.session_state.pop(_EDITING, None)
    st.rerun()


def refused() -> None:
    """What the last action was refused for."""
    error = st.session_state.pop(sending.REFUSED, None)
    if error is not None:
        st.warning(f"{sentence(error.message)} {sentence(error.remedy)}".strip(), icon=":material/info:")
    if isinstance(error, BudgetReached):
        overrides.offer()


def _actions(turn: TurnRecord) -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"turn_actions_{turn.id}")
