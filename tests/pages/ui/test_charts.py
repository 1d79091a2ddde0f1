"""Charts take their colors from the theme's placeholders, so that they follow light and dark."""

from __future__ import annotations

from collections import OrderedDict

import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from core.services.data.meaning import TopicFound
from pages.ui import charts, theme
from pages.ui.charts.topics import labels_of


def test_each_named_color_is_another_placeholder_of_the_theme() -> None:
    named = [
        charts.TUNED, charts.BASE, charts.GOOD, charts.WAIT,
        charts.BAD, charts.TUNED_SOFT, charts.BASE_SOFT, charts.INK,
    ]  # fmt: skip
    assert len(set(named)) == len(named)
    assert not set(named) & {color for pair in theme.PALETTE.values() for color in pair}
    assert len(charts.SEQ) == len(theme.STEPS)


def test_a_chart_is_drawn_with_its_description_and_without_a_toolbar() -> None:
    script = (
        "import plotly.graph_objects as go\n"
        "from pages.ui import charts\n"
        "fig = go.Figure(go.Bar(x=['a', 'b'], y=[1, 2]))\n"
        "charts.chart(fig, key='bars', alt='Two bars: 1 and 2.', x='Set', y='Examples')"
    )
    app = AppTest.from_string(script).run()
    assert not app.exception
    (chart,) = app.get("plotly_chart")
    figure = go.Figure(**__import__("json").loads(chart.proto.spec))
    assert list(figure.data[0].y) == [1, 2]
    assert figure.layout.xaxis.title.text == "Set"
    assert figure.layout.yaxis.title.text == "Examples"
    assert "Two bars" in str(chart.proto)


def test_no_text_of_a_chart_is_markup() -> None:
    """Plotly draws <a href>, <b> and <span style> in names and labels."""
    script = (
        "import plotly.graph_objects as go\n"
        "from pages.ui import charts\n"
        "text = '<a href=\"http://evil.example\">Sign in</a> &amp; \u202e'\n"
        "fig = go.Figure(go.Bar(x=[text, 'two\\nlines'], y=[1, 2], name=text, text=text, customdata=[text, text]))\n"
        "fig.add_scatter(x=[1.5, None], y=['2024-01-01', text], text=[text, ''])\n"
        "fig.add_annotation(text=text)\n"
        "charts.chart(fig, key='chart', alt=text)"
    )
    app = AppTest.from_string(script).run()
    assert not app.exception
    (chart,) = app.get("plotly_chart")
    bar, scatter = go.Figure(**__import__("json").loads(chart.proto.spec)).data
    shown = '&lt;a href="http://evil.example"&gt;Sign in&lt;/a&gt; &amp;amp; ⟨U+202E⟩'
    assert (bar.name, bar.text, *bar.customdata) == (shown, shown, shown, shown)
    assert list(bar.x) == [shown, "two<br>lines"]
    assert list(scatter.x) == [1.5, None]
    assert list(scatter.y) == ["2024-01-01", shown]
    assert "<a" not in chart.proto.spec


def test_a_figure_is_made_once_for_what_it_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "_KEPT", OrderedDict())
    monkeypatch.setattr(charts, "_MOST_KEPT", 2)
    made: list[str] = []

    def kept(token: str) -> object:
        def figure() -> go.Figure:
            made.append(token)
            return go.Figure(go.Bar(x=[token], y=[1]))

        return charts._kept("key", token, figure, 100, None, None, False).to_dict()["data"][0]["x"]

    assert [kept(token) for token in ("a", "b", "a", "c", "a", "b")] == [[token] for token in "abacab"]
    assert made == ["a", "b", "c", "b"]  # b was the one that was longest unused when c came


def test_names_of_topics_lie_neither_on_circles_nor_on_each_other() -> None:
    places = {"alone": (-1.0, 1.0), "low": (0.5, -0.5), "middle": (0.4, -0.3), "high": (0.3, -0.1)}
    topics = [TopicFound(name, 5, x, y, False, ()) for name, (x, y) in places.items()]
    assert labels_of(topics) == [
        ("alone", "top center"), ("low", "bottom center"), ("", "top center"), ("high", "top center"),
    ]  # fmt: skip
