"""Charts of a version's quality: before and after the last change, lengths, outputs, duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from core.services.data import quality
from core.services.data.datasets import Bin, DatasetRecord
from core.services.data.quality import DuplicateMap, Pictures, Snapshot
from pages.ui import charts, components
from pages.ui.format import md, number, plural, short

_LABELS = 15


def pictures(dataset: DatasetRecord) -> None:
    """Draw all charts of the current version."""
    seen = quality.pictures(dataset.version.id)
    if seen.before is not None:
        _before_after(seen.before, seen.after)
        components.section_gap()
    left, right = st.columns(2, gap="medium")
    with left:
        _lengths(seen)
    with right:
        if seen.labels:
            _labels(seen)
        else:
            _map(seen.duplicate_map)
    if seen.labels and seen.duplicate_map.points:
        components.section_gap()
        _map(seen.duplicate_map)


def _before_after(before: Snapshot, after: Snapshot) -> None:
    """Compare the previous version with this one: score, examples, and each issue."""
    components.heading("Before and after", f"version {before.number} → version {after.number}")
    titles = list(dict.fromkeys([*before.issues, *after.issues]))
    solved = [title for title in titles if not after.issues.get(title)]
    components.tiles(
        [
            components.Tile(
                "Score", str(after.score), _signed(after.score - before.score), note=f"before {before.score}"
            ),
            components.Tile(
                "Labeled Examples",
                number(after.examples),
                _signed(after.examples - before.examples),
                note=f"before {number(before.examples)}",
            ),
            components.Tile(
                "Issues",
                number(sum(1 for title in titles if after.issues.get(title))),
                f"{len(solved)} solved" if solved else None,
                delta_color="green" if solved else "gray",
                arrow="off",
                note=f"before {number(len(before.issues))}",
            ),
        ],
        key="before_after",
    )
    differing = [title for title in titles if before.issues.get(title, 0) != after.issues.get(title, 0)]
    if not differing:
        return
    with st.container(border=True):
        st.caption("Examples with an issue, for issues whose count changed")
        shown = sorted(differing, key=lambda title: -max(before.issues.get(title, 0), after.issues.get(title, 0)))[:10]
        charts.counts(
            [short(title, 34) for title in shown],
            [
                (f"Version {side.number}", [side.issues.get(title, 0) for title in shown], color)
                for side, color in ((before, charts.BASE), (after, charts.TUNED))
            ],
            key="issues_before_after",
            alt="; ".join(
                f"{title}: {before.issues.get(title, 0)} before, {after.issues.get(title, 0)} after" for title in shown
            ),
            height=70 + 46 * len(shown),
        )


def _signed(change: int) -> str | None:
    return f"{change:+,}" if change else None


def _lengths(seen: Pictures) -> None:
    components.heading("Length of an example", f"tokens, {md(seen.counted)}")
    with st.container(border=True):
        fig = go.Figure()
        if seen.before is not None and seen.before.histogram != seen.length_histogram:
            fig.add_trace(_bars(seen.before.histogram, f"Version {seen.before.number}", charts.BASE_SOFT))
        fig.add_trace(_bars(seen.length_histogram, f"Version {seen.after.number}", charts.TUNED))
        fig.update_layout(barmode="overlay")
        fig.update_yaxes(rangemode="tozero")
        charts.chart(
            fig,
            key="quality_lengths",
            alt=f"Histogram of the lengths of {seen.after.examples:,} examples.",
            height=260,
            x="Tokens",
            y="Examples",
            legend=len(fig.data) > 1,
        )


def _bars(bins: Sequence[Bin], name: str, color: str) -> go.Bar:
    """A histogram on a numeric axis, so that two with different bin widths can overlap."""
    return go.Bar(
        x=[(item.low + item.high) / 2 for item in bins],
        y=[item.count for item in bins],
        width=[item.high - item.low for item in bins],
        customdata=[f"{item.low:,} to {item.high - 1:,} tokens" for item in bins],
        hovertemplate="%{y:,} examples of %{customdata}<extra></extra>",
        name=name,
        marker_color=color,
        marker_line_width=0,
        opacity=0.85,
    )


def _labels(seen: Pictures) -> None:
    shown = seen.labels[:_LABELS]
    more = len(seen.labels) - len(shown)
    components.heading(
        "Balance of outputs", f"the {len(shown)} most common" if more > 0 else plural(len(shown), "output")
    )
    with st.container(border=True):
        charts.counts(
            [short(label.text, 26) or "(empty)" for label in shown],
            [("", [label.count for label in shown], charts.TUNED)],
            key="quality_labels",
            alt=f"Bars of the most common outputs; the first appears {shown[0].count:,} times.",
            height=max(260, 24 * len(shown) + 20),
        )


def _map(duplicates: DuplicateMap) -> None:
    """Dots are examples, lines join near-duplicates."""
    if not duplicates.points:
        components.heading("Duplicates")
        with st.container(border=True):
            st.markdown(":green[:material/check_circle:] There are no near-duplicates.")
        return
    components.heading(
        "Map of duplicates", f"{plural(duplicates.examples, 'example')} in {plural(duplicates.clusters, 'group')}"
    )
    at = {point.position: point for point in duplicates.points}
    with st.container(border=True):
        fig = go.Figure()
        xs: list[float | None] = []
        ys: list[float | None] = []
        for edge in duplicates.edges:
            first, second = at.get(edge.first), at.get(edge.second)
            if first and second:
                xs += [first.x, second.x, None]
                ys += [first.y, second.y, None]
        line = {"color": charts.BASE_SOFT, "width": 1}
        fig.add_scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip", showlegend=False)
        for split, name, color in (("train", "Training", charts.BASE), ("validation", "Held out", charts.TUNED)):
            points = [point for point in duplicates.points if point.split == split]
            texts = [" ".join(short(point.text, 90).split()) for point in points]
            fig.add_scatter(
                x=[point.x for point in points],
                y=[point.y for point in points],
                mode="markers",
                name=name,
                marker={"color": color, "size": 9 if len(duplicates.points) < 200 else 6},
                customdata=[f"Example {p.position + 1:,}: {text}" for p, text in zip(points, texts, strict=True)],
                hovertemplate="%{customdata}<extra></extra>",
            )
        fig.update_xaxes(visible=False)
        fig.update_yaxes(visible=False)
        fig.update_layout(hovermode="closest")
        charts.chart(
            fig,
            key="duplicate_map",
            alt=f"{duplicates.examples:,} examples in {duplicates.clusters:,} groups of near-duplicates.",
            height=380 if len(duplicates.points) > 12 else 220,
        )
        is_part = len(duplicates.points) < duplicates.examples
        note = f"Showing {len(duplicates.points):,} examples from the largest groups. " if is_part else ""
        st.caption(f"{note}Joined dots are near-duplicates; hover over one to read it.")
