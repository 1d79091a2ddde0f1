"""Below an answer: what this user thinks of it, and what others do."""

from __future__ import annotations

import streamlit as st

from core.errors import StudioError
from core.services.serving import feedback
from core.services.serving.conversations import ConversationRecord, TurnRecord
from core.services.serving.feedback import MAX_COMMENT, REASONS, CorrectionRecord, Opinions, VoteRecord
from pages.serving._chat import correcting
from pages.ui import person
from pages.ui.errors import show_error
from pages.ui.format import md, plural

_OPEN, _PROBLEM = "_details_of_vote", "_problem_of_vote"


def read(conversation: ConversationRecord) -> dict[str, Opinions]:
    """What everyone thinks of the answers of a conversation, by their ids: read once for the whole page."""
    found = feedback.of_conversation(conversation.id)
    return {turn.id: found.get(turn.id, Opinions()) for turn in conversation.turns if turn.is_answer}


def buttons(turn: TurnRecord, vote: VoteRecord | None) -> None:
    """Thumb up, thumb down, and the correction."""
    for thumb, icon, word in ((1, "thumb_up", "Good answer"), (-1, "thumb_down", "Bad answer")):
        on = vote is not None and vote.thumb == thumb
        st.button(
            f":blue[:material/{icon}:]" if on else f":material/{icon}:",
            key=f"{icon}_{turn.id}",
            type="tertiary",
            help=f"{word}. Click again to undo." if on else word,
            on_click=_thumb,
            args=(turn, 0 if on else thumb),
        )
    if st.button("Correct", icon=":material/edit_note:", type="tertiary", key=f"correct_{turn.id}", help=_WHY):
        correcting.correct(turn)


_WHY = "Write the answer that the model should have given. Accepted corrections become labeled examples."


def below(turn: TurnRecord, mine: VoteRecord | None, found: Opinions) -> None:
    """The details of this user's vote, if they are open, and one line on what everyone thinks."""
    if (problem := st.session_state.pop(f"{_PROBLEM}_{turn.id}", None)) is not None:
        show_error(problem)
    opened = st.session_state.get(_OPEN) == turn.id
    if opened:
        _details(turn, mine)
    votes = [vote for vote in found.votes if not (opened and vote is mine)]
    lines = [vote_line(vote) for vote in votes] + [_correction_line(one) for one in found.corrections]
    if lines:
        with st.container(gap="xxsmall", key=f"opinions_{turn.id}"):
            for line in lines[:_SHOWN]:
                st.caption(line)
            if len(lines) > _SHOWN:
                st.caption(f"and {plural(len(lines) - _SHOWN, 'more opinion')}")
    if mine is not None and not opened:
        st.button(
            "Change your rating",
            key=f"details_{turn.id}",
            type="tertiary",
            on_click=_open,
            args=(turn.id,),
        )


_SHOWN = 6


def _details(turn: TurnRecord, mine: VoteRecord | None) -> None:
    """Stars, reasons and a comment; each is saved as it is chosen."""
    side = {1: "good", -1: "bad"}.get(mine.thumb if mine else 0)
    offered = [one for one in REASONS if side in (None, one.side)]
    chosen = [one for one in (mine.reasons if mine else ()) if one in {reason.id for reason in offered}]
    with st.container(border=True, gap="small", key=f"vote_details_{turn.id}"):
        st.pills(
            "Why?",
            [one.id for one in offered],
            selection_mode="multi",
            default=chosen,
            format_func=lambda reason: REASONS.get(reason).title,
            key=f"reasons_{turn.id}_{side}",
            on_change=_changed,
            args=(turn, "reasons", f"reasons_{turn.id}_{side}"),
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_input(
                "Comment (optional)",
                mine.comment if mine else "",
                max_chars=MAX_COMMENT,
                placeholder="What is right or wrong about it",
                key=f"comment_{turn.id}",
                on_change=_changed,
                args=(turn, "comment", f"comment_{turn.id}"),
            )
            with st.container(gap="xxsmall", width="content"):
                st.caption("Stars")
                st.feedback(
                    "stars",
                    default=mine.stars - 1 if mine and mine.stars else None,
                    key=f"stars_{turn.id}",
                    on_change=_changed,
                    args=(turn, "stars", f"stars_{turn.id}"),
                )
        st.button("Done", key=f"done_{turn.id}", on_click=_open, args=("",))


def _open(turn_id: str) -> None:
    st.session_state[_OPEN] = turn_id


def _thumb(turn: TurnRecord, thumb: int) -> None:
    values = {"thumb": thumb} if thumb else {"thumb": 0, "reasons": []}
    if _rate(turn, **values):
        _open(turn.id if thumb else "")


def _changed(turn: TurnRecord, field: str, key: str) -> None:
    value = st.session_state.get(key)
    if field == "stars":
        value = 0 if value is None else value + 1
    _rate(turn, **{field: value or type(_EMPTY[field])()})


_EMPTY: dict[str, object] = {"stars": 0, "reasons": [], "comment": ""}


def _rate(turn: TurnRecord, **values: object) -> bool:
    try:
        feedback.rate(turn.conversation_id, turn.id, author=person.name(), **values)  # type: ignore[arg-type]
    except StudioError as error:
        st.session_state[f"{_PROBLEM}_{turn.id}"] = error
        return False
    return True


def vote_line(vote: VoteRecord) -> str:
    """Who rated an answer, and how, as markdown."""
    icon = {1: ":material/thumb_up: ", -1: ":material/thumb_down: "}.get(vote.thumb, "")
    parts = [f"{icon}{person.shown(vote.author, begins=True)}"]
    if vote.stars:
        parts.append(f"{vote.stars} of 5 stars")
    if vote.reasons:
        parts.append(", ".join(REASONS.get(reason).title for reason in vote.reasons if reason in REASONS))
    if vote.comment:
        parts.append(f"“{md(vote.comment, 200)}”")
    return " · ".join(parts)


def _correction_line(one: CorrectionRecord) -> str:
    return f":material/edit_note: Corrected by {correcting.said(one)}"
