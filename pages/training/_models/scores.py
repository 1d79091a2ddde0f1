"""What was measured on a model: in one line on cards, and in full on its own screen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.training import models
from core.services.training.models import ModelRecord, ModelScore
from pages.ui import components, navigation
from pages.ui.components import Tile
from pages.ui.format import md, percent, plural


def line(found: Sequence[ModelScore]) -> str:
    """The main scores in one line: `Held-out examples 71% · Test split: All fields right 64%`."""
    return " · ".join(f"{md(score.title)} {percent(score.tuned)}" for score in found if score.main)


def section(model: ModelRecord) -> None:
    """The main scores as tiles, all others in a table, and the way to a test."""
    found = models.scores(model)
    components.heading("Scores", "Share of right answers" if found else None)
    if not found:
        with components.spread(border=True, key="no_scores"):
            st.caption("Not tested yet. *Compare* asks base and tuned model every example, and counts right answers.")
            if model.state == "active" and not model.dataset_deleted:
                navigation.button(
                    "Test", "compare", {"model": model.id}, icon=":material/fact_check:", key=f"to_test_{model.id}"
                )
        return
    components.tiles([_tile(score) for score in found if score.main], key="scores")
    if rest := [score for score in found if not score.main]:
        with st.expander("All figures", key=f"figures_{model.id}"):
            rows = ["| | Tuned | Base | Answers |", "|---|---:|---:|---:|"]
            rows += [_row(score) for score in rest]
            st.markdown("\n".join(rows))


def _tile(score: ModelScore) -> Tile:
    points = 100 * (score.tuned - score.base)
    moved = score.tuned != score.base
    return Tile(
        md(score.title),
        percent(score.tuned),
        f"{points:+.0f} pts",
        note=f"base {percent(score.base)}",
        delta_color="normal" if moved else "off",
        arrow="auto" if moved else "off",
        help=f"Of {plural(score.total, 'answer')} of the tuned model.",
    )


def _row(score: ModelScore) -> str:
    name = f"{md(score.title)}{f' ({md(score.part)})' if score.part else ''}"
    return f"| {name} | {percent(score.tuned)} | {percent(score.base)} | {score.total:,} |"
