"""The topics of a dataset as a map: one circle for each, as large as its share, near those that are similar."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.services.data.meaning import TopicFound
from pages.ui.charts import TUNED, WAIT, chart
from pages.ui.format import plural, short

_LARGEST_PX = 46
_APART = (0.7, 0.16)  # names nearer to each other than this, across and up, would overlap: the tooltip has them


def topic_map(topics: Sequence[TopicFound], *, key: str) -> None:
    """Draw the map; topics with few examples are orange."""
    most = max(topic.count for topic in topics)
    fig = go.Figure(
        go.Scatter(
            x=[topic.x for topic in topics],
            y=[topic.y for topic in topics],
            mode="markers+text",
            text=_names(topics),
            textposition="top center",
            marker={
                "size": [max(10.0, _LARGEST_PX * (topic.count / most) ** 0.5) for topic in topics],
                "color": [WAIT if topic.thin else TUNED for topic in topics],
                "opacity": 0.55,
                "line": {"width": 0},
            },
            customdata=[f"{topic.name}: {plural(topic.count, 'example')}" for topic in topics],
            hovertemplate="%{customdata}<extra></extra>",
            cliponaxis=False,
        )
    )
    for axis in (fig.update_xaxes, fig.update_yaxes):
        axis(visible=False, range=[-1.4, 1.4])  # room for the names at the edges
    described = "; ".join(f"{topic.name}: {topic.count:,}" for topic in topics[:8])
    chart(fig, key=key, alt=f"Topics by size. {described}", height=380, legend=False)


def _names(topics: Sequence[TopicFound]) -> list[str]:
    """The names beside the circles, the largest topics first; "" where one would overlap another."""
    named: list[TopicFound] = []
    names = []
    for topic in topics:
        free = all(abs(topic.x - one.x) > _APART[0] or abs(topic.y - one.y) > _APART[1] for one in named)
        if free:
            named.append(topic)
        names.append(short(topic.name, 28) if free else "")
    return names
