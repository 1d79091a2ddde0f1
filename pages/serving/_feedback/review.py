"""The queue of corrections: one at a time, decided by a click or a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from core.errors import NotFound, StudioError
from core.services.data import datasets
from core.services.serving import feedback
from core.services.serving.conversations import MAX_CHARACTERS
from core.services.serving.feedback import CorrectionRecord
from core.services.serving.feedback.candidates import Asked
from pages.ui import components, navigation, person
from pages.ui.answers import corrected
from pages.ui.dialogs import dialog
from pages.ui.examples import example_view
from pages.ui.format import ago, md, moment, number, sentence

_AT, _REFUSED = "_review_at", "_review_refused"
_EMPTY: Final = {
    "new": "Nothing to review. Corrections that people write in Chat appear here.",
    "accepted": "No correction is accepted yet.",
    "rejected": "No correction is rejected.",
}


def queue(asked: Asked) -> None:
    """One correction, with the conversation before it and what can be done with it: each button shows its key. R, for
    *Reject*, is Streamlit's own."""
    found, counts = feedback.look_up(asked, limit=0)
    total = counts[asked.state]
    if not total:
        with st.container(border=True, key="review_empty"):
            filtered = asked.search or asked.model_id or asked.agent_id
            st.caption("No correction matches." if filtered else _EMPTY[asked.state])
        return
    at = min(max(0, int(st.session_state.get(_slot(asked), 0))), total - 1)
    found, _ = feedback.look_up(asked, at, 1)
    if not found:  # decided in another window
        st.rerun()
    if (problem := st.session_state.pop(_REFUSED, None)) is not None:
        st.warning(f"{sentence(problem.message)} {sentence(problem.remedy)}".strip(), icon=":material/info:")
    _steps(asked, at, total)
    _card(asked, found[0])


def _slot(asked: Asked) -> str:
    return f"{_AT}_{asked.state}_{asked.agent_id}_{asked.model_id}_{asked.search}"


def _steps(asked: Asked, at: int, total: int) -> None:
    with components.spread(key="review_steps"):
        st.markdown(f"**{number(at + 1)} of {number(total)}**", width="content")
        with st.container(horizontal=True, gap="xsmall", width="content"):
            for word, icon, key, step, off in (
                ("Previous", "arrow_back", "K", -1, at == 0),
                ("Next", "arrow_forward", "J", 1, at == total - 1),
            ):
                st.button(
                    word,
                    icon=f":material/{icon}:",
                    shortcut=key,
                    disabled=off,
                    key=f"review_{word.lower()}",
                    on_click=_go,
                    args=(asked, at + step),
                )


def _go(asked: Asked, at: int) -> None:
    st.session_state[_slot(asked)] = at


def _card(asked: Asked, one: CorrectionRecord) -> None:
    with st.container(border=True, gap="small", key=f"review_{one.state}"):
        with components.spread(gap="small"):
            st.caption(_about(one), width="stretch")
            if one.conversation_id and feedback.is_there(one):
                navigation.button(
                    "Open conversation",
                    "chat",
                    {"conversation": one.conversation_id},
                    icon=":material/forum:",
                    type="tertiary",
                    key="open_conversation",
                )
        example_view.conversation(one.snapshot.messages, key=f"before_{one.id}")
        corrected.compared(one.snapshot.answer, one.text, key=one.id)
        if one.is_edited:
            with st.expander(f"Edited by {person.shown(one.edited_by)}: the text before", key=f"proposed_{one.id}"):
                st.text(one.proposed)
        _others(one)
        _actions(asked, one)


def _about(one: CorrectionRecord) -> str:
    parts = [
        f"Corrected by {person.shown(one.author)}, {ago(one.created_at)}",
        f"answer of {md(one.snapshot.model_name or one.model_id, 60)}, {moment(one.snapshot.answered_at)}",
    ]
    if one.decided_at:
        parts.append(f"{one.state} by {person.shown(one.decided_by)}, {ago(one.decided_at)}")
    return " · ".join(parts)


def _others(one: CorrectionRecord) -> None:
    """Other corrections of the same answer, so that the better one is accepted."""
    others = [other for other in feedback.of_turn(one.conversation_id, one.turn_id).corrections if other.id != one.id]
    for other in others:
        with st.container(gap="xxsmall", key=f"other_{other.id}"):
            st.caption(f":material/group: Also corrected by {person.shown(other.author)} · {other.state}")
            st.text(other.text)


def _actions(asked: Asked, one: CorrectionRecord) -> None:
    if one.dataset_id:
        try:
            dataset = datasets.get_dataset(one.dataset_id)
        except NotFound:
            pass
        else:
            st.page_link(
                navigation.page_file("datasets"),
                label=f"Part of {md(dataset.name, 60)}",
                icon=":material/dataset:",
                query_params={"id": dataset.id},
            )
            return
    with st.container(horizontal=True, gap="small", key="review_actions"):
        if one.state != "accepted":
            _decision(one, "accepted", "Accept", "check", "A", primary=one.state == "new")
        if one.state != "rejected":
            _decision(one, "rejected", "Reject", "close", "X")
        if st.button("Edit", icon=":material/edit:", shortcut="E", key="review_edit"):
            edit(one)
        if one.state != "new":
            _decision(one, "new", "Review again", "undo", "U")


def _decision(one: CorrectionRecord, state: str, word: str, icon: str, key: str, *, primary: bool = False) -> None:
    st.button(
        word,
        icon=f":material/{icon}:",
        type="primary" if primary else "secondary",
        shortcut=key,
        key=f"review_{state}_now",
        on_click=_act,
        args=(lambda: feedback.decide(one.id, state, by=person.name(), seen=one.state),),
    )


def _act(action: Callable[[], object]) -> None:
    try:
        action()
    except StudioError as error:
        st.session_state[_REFUSED] = error


@dialog("Edit the correction", width="large", icon=":material/edit:")
def edit(one: CorrectionRecord) -> None:
    """Change the text; its author's own words stay readable."""
    text = st.text_area("The right answer", one.text, height=200, max_chars=MAX_CHARACTERS, key=f"edited_{one.id}")
    corrected.compared(one.snapshot.answer, text or "", key=f"edit_{one.id}")
    if st.button("Save", type="primary", icon=":material/check:", key="save_edited"):
        feedback.edit(one.id, text or "", by=person.name())
        st.rerun()
