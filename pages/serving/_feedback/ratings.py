"""The ratings as a list: what was asked, answered, and thought of it."""

from __future__ import annotations

import streamlit as st

from core.services.serving import feedback
from core.services.serving.feedback import VoteRecord
from pages.serving._chat import judging
from pages.ui import components, navigation
from pages.ui.examples import example_view
from pages.ui.format import ago, md, number, percent, short

PER_PAGE = 10


def listing(agent_id: str, model_id: str) -> None:
    """The tiles, and one row for each rating."""
    total, good, bad = feedback.tally(agent_id, model_id)
    if not total:
        with st.container(border=True, key="ratings_empty"):
            st.caption("No answer of them is rated." if agent_id or model_id else "No answer is rated yet.")
        return
    components.tiles(
        [
            components.Tile("Ratings", number(total)),
            components.Tile("Good", number(good), percent(good / (good + bad)) if good + bad else None, arrow="off"),
            components.Tile("Bad", number(bad), percent(bad / (good + bad)) if good + bad else None, arrow="off"),
        ],
        key="rating_tiles",
    )
    page_key = f"ratings_page_{agent_id}_{model_id}"
    first = components.first_of_page(total, PER_PAGE, page_key)
    with st.container(border=True, gap="xsmall", key="ratings"):
        for vote in components.divided(feedback.latest(agent_id, model_id, first, PER_PAGE)):
            _row(vote)
    components.pages(total, PER_PAGE, page_key)


def _row(vote: VoteRecord) -> None:
    asked = next((one.content for one in reversed(vote.snapshot.messages) if one.role == "user"), "")
    with components.spread(gap="small"):
        with st.container(gap="xxsmall", width="stretch"):
            st.markdown(f"**{md(short(asked, 120))}**")
            st.caption(f"{md(short(vote.snapshot.answer, 200))}")
            st.markdown(f":small[{judging.vote_line(vote)}]")
        with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center"):
            st.caption(ago(vote.updated_at), width="content")
            if feedback.is_there(vote):
                navigation.button(
                    "Open",
                    "chat",
                    {"conversation": vote.conversation_id},
                    type="tertiary",
                    key=f"open_{vote.id}",
                )
            else:
                with st.popover("Read", type="tertiary", key=f"read_{vote.id}"):
                    example_view.conversation(vote.snapshot.messages, key=f"read_{vote.id}")
                    st.text(vote.snapshot.answer)
