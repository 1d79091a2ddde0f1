"""The scores of a tuned model: in one line on cards, and in full with the button that tests it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.services.serving.evaluating import testing
from core.services.training import models
from core.services.training.models import ModelRecord, ModelScore
from pages.ui import components, navigation, overrides
from pages.ui.components import Tile
from pages.ui.errors import boundary
from pages.ui.format import md, sentence

POLL_S: Final = 1.0
MOST_TILES: Final = 6


def line(found: Sequence[ModelScore]) -> str:
    """The score in one line: `Test split: All fields right 64.2%`."""
    return " · ".join(f"{md(score.title)} {score.tuned.text}" for score in found if score.main)


def section(model: ModelRecord, title: str) -> None:
    """What the newest evaluation measured, a running test with its progress, and the button that begins one."""
    found = models.scores(model)
    if testing.running(model.id) is not None:
        components.heading(title)
        with st.container(border=True, key=f"testing_{model.id}"):
            st.fragment(run_every=POLL_S)(_testing)(model.id)
    elif found:
        components.heading(title, md(found[0].title.partition(":")[0]))
        _figures(model, found)
    else:
        components.heading(title)
        _untested(model)


def _untested(model: ModelRecord) -> None:
    with components.spread(border=True, key=f"untested_{model.id}"):
        asked = testing.plan(model)
        if not asked.split:
            st.caption("Not evaluated. The dataset was deleted with its examples.", width="stretch")
        elif model.state != "active":
            st.caption("Not evaluated yet. Restore the model first.", width="stretch")
        else:
            st.caption(f"Model and base answer {asked.title}: {asked.text}.", width="stretch")
            _evaluate(model)
            _test(model, f"Test on {asked.title}")


def _figures(model: ModelRecord, found: Sequence[ModelScore]) -> None:
    shares = [score for score in found if not score.part and score.tuned.unit == "share"]
    tiles = [*(found[:1] if found[0] not in shares else ()), *shares]
    components.tiles([_tile(score) for score in tiles[:MOST_TILES]], key=f"scores_{model.id}")
    with components.spread():
        with st.container(horizontal=True, width="content", gap="small"):
            st.page_link(
                navigation.page_file("evaluate"),
                label="Open the evaluation",
                icon=":material/balance:",
                query_params={"id": found[0].evaluation_id},
            )
        if model.state == "active" and not model.dataset_deleted:
            with st.container(horizontal=True, width="content", gap="small"):
                _evaluate(model)
                _test(model, "Test again", "tertiary")
    if rest := [score for score in found if score not in tiles[:MOST_TILES]]:
        with st.expander("All figures", key=f"figures_{model.id}"):
            rows = ["| | Tuned | Base | Answers |", "|---|---:|---:|---:|"]
            rows += [_row(score) for score in rest]
            st.markdown("\n".join(rows))


def _test(model: ModelRecord, label: str, kind: str = "secondary") -> None:
    key = f"test_{model.id}"
    clicked = st.button(label, icon=":material/fact_check:", key=key, type=kind)  # type: ignore[arg-type]
    if overrides.pressed(clicked, key):
        with boundary(), overrides.start(key):
            testing.start(model.id)
            st.rerun()


def _evaluate(model: ModelRecord) -> None:
    """To the form of an evaluation against the base, which ends in a verdict."""
    navigation.button(
        "Evaluate", "evaluate", {"new": "1", "model": model.id}, icon=":material/balance:", type="tertiary",
        key=f"evaluate_{model.id}",
    )  # fmt: skip


def _testing(model_id: str) -> None:
    with st.container(key=f"live_test_{model_id}"), boundary():
        task = testing.running(model_id)
        if task is None:
            st.rerun()
        st.progress(min(1.0, task.progress / 100), text=f":small[{sentence(task.message or 'Asking both models')}]")


def _tile(score: ModelScore) -> Tile:
    points = score.points
    moved = bool(points)
    return Tile(
        md(score.title.rpartition(": ")[2] if score.main else score.title),
        score.tuned.text,
        f"{points:+.1f} pts" if points is not None else None,
        note=f"base {score.base.text}" if score.base else None,
        delta_color="normal" if moved else "off",
        arrow="auto" if moved else "off",
        help=md(f"{score.title}: {score.text}."),
    )


def _row(score: ModelScore) -> str:
    name = f"{md(score.title)}{f' ({md(score.part)})' if score.part else ''}"
    base = score.base.text if score.base else "–"
    return f"| {name} | {score.tuned.text} | {base} | {score.tuned.total:,} |"
