"""The topics of a dataset as a map: one circle for each, as large as its share, near those that are similar."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.services.data.meaning import TopicFound
from pages.ui.charts import TUNED, WAIT, chart
from pages.ui.format import plural, short

_LARGEST_PX = 46
# On the map, which is 2.8 wide and high. A name that has no place is in the tooltip and in the list beside the map.
_BESIDE = 0.2  # from the middle of a circle to that of its name
_NAME_ON_NAME = (0.7, 0.16)  # across and up; nearer ones would overlap
_NAME_ON_CIRCLE = (0.45, 0.2)


def topic_map(topics: Sequence[TopicFound], *, key: str) -> None:
    """Draw the map; topics with few examples are orange."""
    most = max(topic.count for topic in topics)
    labels = labels_of(topics)
    fig = go.Figure(
        go.Scatter(
            x=[topic.x for topic in topics],
            y=[topic.y for topic in topics],
            mode="markers+text",
            text=[name for name, _ in labels],
            textposition=[side for _, side in labels],
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


def labels_of(topics: Sequence[TopicFound]) -> list[tuple[str, str]]:
    """The name of each topic with its side, the largest topics first; "" where it would lie on a circle or a name."""
    taken: list[tuple[float, float]] = []
    labels = []
    for topic in topics:
        circles = [(one.x, one.y) for one in topics if one is not topic]
        places = [("top center", topic.y + _BESIDE), ("bottom center", topic.y - _BESIDE)]
        free = [
            (side, y)
            for side, y in places
            if not any(_covers(topic.x, y, place, _NAME_ON_CIRCLE) for place in circles)
            and not any(_covers(topic.x, y, place, _NAME_ON_NAME) for place in taken)
        ]
        side, y = free[0] if free else places[0]
        if free:
            taken.append((topic.x, y))
        labels.append((short(topic.name, 28) if free else "", side))
    return labels


def _covers(x: float, y: float, place: tuple[float, float], apart: tuple[float, float]) -> bool:
    return abs(x - place[0]) < apart[0] and abs(y - place[1]) < apart[1]
