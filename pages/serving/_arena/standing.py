"""What the votes say: the win rate of each pair with its interval, and the order of three or more models."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from core.services.serving import arena
from core.services.serving.arena import PairResult, Standing
from pages.serving._arena.match import SAID
from pages.ui import components
from pages.ui.charts import BASE, TUNED, chart
from pages.ui.format import ago, md, percent, plural, short

_ROW_PX = 44
_FRAME_PX = 90


def show() -> None:
    """The results of all votes; nothing while there is none."""
    found = arena.standing()
    if not found.votes:
        return
    components.section_gap()
    components.heading("Results", plural(found.votes, "vote"))
    if found.ranked:
        _ranking(found)
    _pairs(found)
    _recent()


def _ranking(found: Standing) -> None:
    rows = list(reversed(found.ranked))
    fig = _intervals(
        [short(found.names[one.model_id], 40) for one in rows],
        [(one.rating, one.low, one.high) for one in rows],
        "%{y}: %{x:.0f}<extra></extra>",
    )
    described = "; ".join(
        f"{found.names[one.model_id]} {one.rating:.0f} ({one.low:.0f} to {one.high:.0f})" for one in found.ranked
    )
    with st.container(border=True, key="arena_ranking"):
        st.markdown("**Rating of each model**")
        chart(fig, key="arena_ratings", alt=described, height=_FRAME_PX + _ROW_PX * len(rows), legend=False)
        st.caption(
            "1,000 is the average, with the 95% interval; 400 points more mean ten of eleven wins. Bars that overlap "
            "widely show no difference yet."
        )


def _pairs(found: Standing) -> None:
    with st.container(border=True, gap="small", key="arena_pairs"):
        for pair in components.divided(found.pairs):
            _pair(pair, found)


def _pair(pair: PairResult, found: Standing) -> None:
    first, second = (md(found.names[name], 60) for name in (pair.first_id, pair.second_id))
    rate, votes = arena.win_rate(pair.votes), pair.votes
    counted = [
        f"{votes.wins:,} to {votes.losses:,}",
        plural(votes.ties, "tie") if votes.ties else "",
        f"both bad: {votes.both_bad:,}" if votes.both_bad else "",
    ]
    with st.container(gap="xxsmall"):
        with components.spread():
            st.markdown(f"**{first}** against **{second}**", width="content")
            st.caption(" · ".join(filter(None, counted)), width="content")
        if rate is None:
            st.caption("No vote yet says which one is better.")
            return
        st.progress(rate.value)
        st.caption(
            f"{first} wins {percent(rate.value)} of the votes (95% interval: {percent(rate.low)} to "
            f"{percent(rate.high)}). {_sure(pair)}"
        )


def _sure(pair: PairResult) -> str:
    more = arena.more_votes(pair.votes)
    if more == 0:
        return "The difference is certain enough."
    if more is None:
        return "They are even: more votes may still show a difference."
    return f"About {plural(more, 'more vote', 'more votes')} to be sure, if they fall as those so far."


def _recent() -> None:
    matches, total = arena.recent()
    with st.expander(f"Votes ({total:,})", icon=":material/how_to_vote:"):
        if total > len(matches):
            st.caption(f"The newest {len(matches)} of {total:,}.")
        for match in components.divided(matches):
            with components.spread():
                st.markdown(md(short(" ".join(match.question.split()), 90)), width="content")
                said = [SAID[match.vote], md(match.author, 40), ago(match.voted_at)]
                names = f"A {md(match.left_name, 40)}, B {md(match.right_name, 40)}: "
                st.caption(names + " · ".join(filter(None, said)), width="content")


def _intervals(names: Sequence[str], values: Sequence[tuple[float, float, float]], hover: str) -> go.Figure:
    """Points with horizontal error bars, one row for each name."""
    points = [value for value, _, _ in values]
    return go.Figure(
        go.Scatter(
            x=points,
            y=list(names),
            mode="markers",
            marker={"size": 11, "color": TUNED},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - value for value, _, high in values],
                "arrayminus": [value - low for value, low, _ in values],
                "color": BASE,
                "thickness": 2,
                "width": 6,
            },
            hovertemplate=hover,
        )
    )
