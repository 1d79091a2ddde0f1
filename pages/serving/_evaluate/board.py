"""The leaderboard of a dataset: every model that was evaluated on it, the best first."""

from __future__ import annotations

import streamlit as st

from core.services.serving import evaluating
from pages.serving._evaluate.rows import part
from pages.ui import addressed, components, navigation
from pages.ui.format import ago, md

MOST = 20


def show() -> None:
    """Choose a dataset and its split, and list the models; nothing where no evaluation has ended."""
    found = {f"{dataset_id}|{split}": (name, split) for dataset_id, name, split in evaluating.boards()}
    if not found:
        return
    components.section_gap()
    titles = {key: f"{name}, {part(split)}" for key, (name, split) in found.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.header("Leaderboard", anchor=False, width="content")
        chosen = addressed.pick(
            "Dataset", titles, "board", "board_dataset", next(iter(titles)), label_visibility="collapsed", width=340
        )
    dataset_id, _, split = chosen.partition("|")
    with st.container(border=True, gap="small", key="leaderboard"):
        for place, row in components.divided(enumerate(evaluating.leaderboard(dataset_id, split)[:MOST], start=1)):
            with components.spread(gap="small"):
                with st.container(gap=None, width="stretch"):
                    st.page_link(
                        navigation.page_file("evaluate"),
                        label=f"**{place}. {md(row.title)}**",
                        query_params={"id": row.evaluation_id},
                    )
                    speed = f"{row.seconds:.2f} s per answer · " if row.seconds is not None else ""
                    st.caption(f"{speed}{row.score.total:,} answers · {ago(row.evaluated_at)}")
                st.markdown(f":small[{md(row.score.title)}] **{row.score.text}**", width="content")
