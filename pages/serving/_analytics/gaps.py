"""What was asked that no example resembles, in groups."""

from __future__ import annotations

import streamlit as st

from core.services.serving import analytics
from core.services.serving.analytics import Gap, GapsResult
from pages.ui import components, downloads, navigation
from pages.ui.format import ago, md, number, percent, plural
from pages.ui.tasks.progress import ended_badly, follow

SHOWN = 4  # inputs of a group
WHAT = (
    "Compares what people asked a tuned model with the examples that it was trained on, by meaning. What resembles no "
    "example is a new topic, or no request at all: read it before you write examples."
)


def show() -> None:
    """The newest result, the running task, and the button for a new look."""
    running = analytics.running_gaps()
    task_id = running.id if running else st.session_state.get("gaps_task")
    if task_id:
        task = follow(task_id)
        if task.state == "succeeded":
            st.session_state.pop("gaps_task", None)
        ended_badly(task, "gaps")
        if not task.is_terminal:
            return
    done = analytics.newest_gaps()
    with components.spread(border=True, key="gaps_offer"):
        st.caption(WHAT, width="stretch")
        if st.button("Look again" if done else "Look for gaps", icon=":material/travel_explore:", key="look_for_gaps"):
            st.session_state["gaps_task"] = analytics.start_gaps(90).id
            st.rerun()
    if done is None:
        return
    found = GapsResult.of(done)
    with components.spread(key="gaps_head"):
        st.markdown(
            f"**{number(found.uncovered)}** of {plural(found.compared, 'input')} of the last 90 days resemble no "
            f"example. :gray[Looked {ago(done.finished_at)}.]",
            width="content",
        )
        if found.uncovered:
            downloads.download(
                "Download CSV",
                lambda: iter([analytics.gaps_csv(done)]),
                file_name="not-in-the-data.csv",
                mime="text/csv",
                key="gaps_csv",
            )
    for gap in found.groups:
        _gap(gap, found)


def _gap(gap: Gap, found: GapsResult) -> None:
    """One group; the same input asked several times is one line."""
    known = analytics.questions(gap.turn_ids)
    asked: dict[str, list[str]] = {}
    for turn_id in gap.turn_ids:
        if turn_id in known:
            asked.setdefault(" ".join(known[turn_id][0].split()), []).append(turn_id)
    with st.container(border=True, gap="xsmall", key=f"gap_{gap.turn_ids[0]}"):
        with components.spread():
            st.markdown(f"**{md(gap.name, 80) or 'Inputs'}**", width="content")
            st.caption(plural(len(gap.turn_ids), "input"), width="content")
        for text, turn_ids in list(asked.items())[:SHOWN]:
            first = turn_ids[0]
            times = f" :gray[× {len(turn_ids):,}]" if len(turn_ids) > 1 else ""
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"gap_input_{first}"):
                st.markdown(md(text, 160) + times, width="stretch")
                st.caption(f"{percent(found.similarity.get(first, 0.0))} similar", width="content")
                navigation.button(
                    "Open", "chat", {"conversation": known[first][1]}, key=f"open_{first}", type="tertiary",
                    icon=":material/chat:",
                )  # fmt: skip
        if len(asked) > SHOWN:
            st.caption(f"and {len(asked) - SHOWN:,} more; the CSV has all of them.")
