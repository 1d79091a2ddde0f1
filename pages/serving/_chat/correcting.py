"""The dialog that corrects an answer: the text to change, the words that differ, and what others wrote."""

from __future__ import annotations

import streamlit as st

from core.services.serving import feedback
from core.services.serving.conversations import MAX_CHARACTERS, TurnRecord
from core.services.serving.feedback import CorrectionRecord
from pages.ui import person
from pages.ui.answers import corrected
from pages.ui.dialogs import dialog
from pages.ui.format import ago, plural

_STATES = {"new": "waits for a review", "accepted": "accepted", "rejected": "rejected"}
_ROWS_FROM = 200  # characters from which the field is higher


@dialog("Correct the answer", width="large", icon=":material/edit_note:")
def correct(turn: TurnRecord) -> None:
    """Write the answer that the model should have given."""
    found = feedback.of_turn(turn.conversation_id, turn.id).corrections
    own = next((one for one in reversed(found) if one.author == person.name() and one.state == "new"), None)
    text = st.text_area(
        "The right answer",
        own.text if own else turn.content,
        height=220 if len(turn.content) > _ROWS_FROM else 130,
        max_chars=MAX_CHARACTERS,
        key=f"correction_{turn.id}",
        help="Write it as the model should answer the same input. Press Ctrl+Enter to see what changes.",
    )
    corrected.compared(turn.content, text or "", key=turn.id)
    others = [one for one in found if one is not own]
    if others:
        with st.expander(plural(len(others), "other correction"), key=f"others_{turn.id}"):
            for one in others:
                st.caption(said(one))
                st.text(one.text)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Save correction", type="primary", icon=":material/check:", key="save_correction"):
            _save(turn, own, text or "")
            st.toast("Saved. Accept it on the screen Feedback to use it for training.", icon=":material/edit_note:")
            st.rerun()
        st.caption("It becomes a labeled example once it is accepted.", width="stretch")


def _save(turn: TurnRecord, own: CorrectionRecord | None, text: str) -> None:
    if own is None:
        feedback.correct(turn.conversation_id, turn.id, text, author=person.name())
    else:
        feedback.edit(own.id, text, by=person.name())


def said(one: CorrectionRecord) -> str:
    """Who corrected an answer, when, and what became of it, as markdown."""
    return f"{person.shown(one.author)} · {ago(one.created_at)} · {_STATES[one.state]}"
