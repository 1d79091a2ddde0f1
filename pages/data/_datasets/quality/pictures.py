"""Charts of a version's quality: before and after the last change, its shape, duplicates."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.services.data import quality
from core.services.data.datasets import DatasetRecord
from core.services.data.quality import DuplicateMap, Snapshot
from pages.data._datasets import shape
from pages.ui import charts, components
from pages.ui.format import number, plural, short


def pictures(dataset: DatasetRecord) -> None:
    """Draw all charts of the current version."""
    seen = quality.pictures(dataset.version.id)
    if seen.before is not None:
        _before_after(seen.before, seen.after)
        components.section_gap()
    left, right = st.columns(2, gap="medium")
    with left:
        before = (f"Version {seen.before.number}", seen.before.histogram) if seen.before else None
        shape.lengths(seen.length_histogram, seen.counted, before, name=f"Version {seen.after.number}")
    with right:
        if seen.labels:
            shape.outputs(seen.labels)
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
