"""The list of evaluations, one row each."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.services.platform import tasks
from core.services.serving import evaluating
from core.services.serving.evaluating import EvaluationRecord, VerdictRecord, verdicts
from pages.ui import components, dark_soon, listing, states
from pages.ui.format import ago, md, plural
from pages.ui.theme import Color

MARKS: Final[dict[str, tuple[Color, str]]] = {
    "ship": ("green", "rocket_launch"),
    "dont_ship": ("red", "block"),
    "no_difference": ("gray", "drag_handle"),
}


def badge_md(verdict: VerdictRecord) -> str:
    """The decision as a badge."""
    color, icon = MARKS[verdict.decision]
    return components.badge_md(verdict.title, color, icon)


def row(evaluation: EvaluationRecord) -> None:
    """Name, models and dataset, and the verdict or the progress."""
    with components.spread(gap="small"):
        with st.container(gap=None, width="stretch", key=f"rowtext_{evaluation.id}"):
            listing.opener(evaluation.id, evaluation.name, "evaluate", {"id": evaluation.id}, here=True)
            parts = (
                plural(len(evaluation.models), "model"),
                f"{md(evaluation.dataset_name, 40)}, {part(evaluation.split)}",
                ago(evaluation.created_at),
            )
            st.caption(" · ".join(parts))
            if dark := dark_soon.badge_md(evaluation.id):
                st.markdown(f":small[{dark}]")
        if evaluation.summary is None:
            states.badge(evaluation.state)
        else:
            st.markdown(
                " ".join(badge_md(verdict) for verdict in verdicts.of_evaluation(evaluation.id)[:3])
                or _best(evaluation),
                width="content",
            )
    if evaluation.summary is None and evaluation.state in ("running", "validating"):
        task = tasks.get_task(evaluation.task_id)
        st.progress(min(1.0, task.progress / 100), text=f":small[{md(task.message or task.phase)}]")


def part(split: str) -> str:
    """A split in words."""
    return f"{split} split" if split else "all examples"


def _best(evaluation: EvaluationRecord) -> str:
    assert evaluation.summary is not None
    found = [score for model in evaluation.summary.models if (score := model.score(evaluation.summary.main))]
    if not found:
        return ""
    best = (max if found[0].direction == "higher" else min)(found, key=lambda score: score.value)
    return f":small[{md(best.title)} {best.text}]"


SCREEN: Final = listing.ListScreen(
    noun="evaluation",
    title="evaluation",
    listing=evaluating.LISTING,
    look_up=dark_soon.with_dates(evaluating.look_up),
    draw=row,
    archive=evaluating.archive,
    restore=evaluating.restore,
    naming=listing.Naming(evaluating.rename, evaluating.dependents, evaluating.delete, longest=120),
    words={"state": lambda state: states.state_of(state).word},
    moving=("pending", "running", "validating"),
    per_page=10,
)
