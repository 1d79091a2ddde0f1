"""One blind comparison: the input, both answers once they are complete, the vote, and then the names."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import StudioError
from core.services.serving import arena
from core.services.serving.arena import Match
from core.services.serving.kept import ComparedAnswers
from pages.ui import components, person
from pages.ui.answers import figures, streams
from pages.ui.errors import show_error
from pages.ui.escaping import md_answer
from pages.ui.examples import example_view
from pages.ui.format import md

SIDES = ("A", "B")
# Each vote: its label, its icon and its key.
BUTTONS: dict[str, tuple[str, str, str]] = {
    "left": ("A is better", "arrow_back", "A"),
    "tie": ("Tie", "drag_handle", "T"),
    "both_bad": ("Both bad", "thumb_down", "X"),
    "right": ("B is better", "arrow_forward", "B"),
}
SAID = {"left": "A is better", "right": "B is better", "tie": "A tie", "both_bad": "Both bad"}


def show(match: Match) -> bool:
    """Draw the match; returns whether the next one is asked for."""
    with st.container(border=True, gap="xsmall", key="arena_input"):
        example_view.conversation(match.messages, key="arena")
    cards = st.container(key="arena_answers")
    foot = st.container(key="arena_foot")
    answered = arena.answers(match)
    if answered is not None:
        found = _waited(match, answered, cards)
        if found is None:
            return False
        match = found
    with cards:
        _cards(match)
    with foot:
        if match.vote:
            if any(st.session_state.get(f"vote_{vote}") for vote in BUTTONS):
                st.toast("This comparison was decided in another window: your vote was not counted.", duration="long")
            return _outcome(match)
        _vote(match)
    return False


def next_pair(label: str, **options: Any) -> bool:
    """The button that asks for another pair: above the open match, or below the one that is decided."""
    return st.button(label, icon=":material/shuffle:", shortcut="N", key="next_pair", **options)


def _waited(match: Match, answered: ComparedAnswers, place: st.delta_generator.DeltaGenerator) -> Match | None:
    """Wait for both answers, which are shown together: whichever came first would give its model away."""
    with place:
        line = st.empty()
    for _ in streams.while_open(answered.answers):
        line.caption(f"Both models answer. {figures.waiting(max(one.waited_s for one in answered.answers))}")
    line.empty()
    try:
        return arena.keep(match, answered)
    except StudioError as error:
        with place:
            show_error(error)
        return None


def _cards(match: Match) -> None:
    names = (match.left_name, match.right_name)
    better = {"left": 0, "right": 1}.get(match.vote)
    with st.grid(2, min_column_width=260, key="arena_cards"):
        for number, answer in enumerate((match.left_answer, match.right_answer)):
            with st.container(
                border=True, height="stretch", gap="small", key=f"{'on' if better == number else 'off'}_side_{number}"
            ):
                with components.spread(wrap=False):
                    st.markdown(f"**{SIDES[number]}**" + (f" · {md(names[number], 60)}" if match.vote else ""))
                    if better == number:
                        st.badge("Better", color="green")
                if answer:
                    st.markdown(md_answer(answer))
                else:
                    st.caption("The model returned an empty answer.")


def _vote(match: Match) -> None:
    with st.grid(4, min_column_width=130, gap="small", key="arena_votes"):
        for vote, (label, icon, shortcut) in BUTTONS.items():
            if st.button(label, icon=f":material/{icon}:", key=f"vote_{vote}", shortcut=shortcut, width="stretch"):
                arena.vote(match.id, vote, person.name())
                st.rerun()


def _outcome(match: Match) -> bool:
    if match.expected:
        with st.container(border=True, gap=None, key="arena_expected"):
            st.caption("EXPECTED OUTPUT")
            st.text(match.expected)
    with components.spread():
        st.caption(SAID[match.vote] + (f", said {md(match.author)}." if match.author else "."), width="content")
        return next_pair("Next pair", type="primary")
