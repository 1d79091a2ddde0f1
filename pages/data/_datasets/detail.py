"""The head of one dataset: name, actions and figures."""

from __future__ import annotations

import streamlit as st

from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from pages.data._datasets.cards import SCREEN, SUPERVISED, origin
from pages.data._datasets.versions import export
from pages.ui import components, listing, navigation, states
from pages.ui.format import day, md, number, plural, set_apart, size
from pages.ui.tasks.progress import ended_badly, follow


def head(dataset: DatasetRecord) -> None:
    """Name, badges and actions."""
    navigation.button("All datasets", "datasets", type="tertiary", icon=":material/arrow_back:", key="pick_all")
    eyebrow = f"{origin(dataset)} · {size(dataset.version.size_bytes)} · {day(dataset.created_at)}"
    archived = f" {states.badge_md('archived')}" if dataset.archived_at else ""
    with components.header_row(
        md(dataset.name), md(dataset.description), eyebrow, f"{SUPERVISED} {states.badge_md(dataset.state)}{archived}"
    ):
        listing.on_its_own(
            SCREEN,
            dataset.id,
            dataset.name,
            archived=dataset.archived_at is not None,
            gone=lambda: navigation.go("datasets"),
        )
        if st.button("Validate", icon=":material/rule:", key="validate", help="Run every check on the examples again."):
            task = datasets.validate(dataset.id)
            st.session_state[_watch_key(dataset)] = task.id
        if st.button("Download", icon=":material/download:", key="download", help="Choose a split and a format."):
            export.open_dialog(dataset, dataset.version)
        navigation.button(
            "Start Training Job",
            "new_job",
            {"dataset": dataset.id},
            type="primary",
            icon=":material/play_arrow:",
            key="train",
            disabled=dataset.state == "failed",
            help="Fix the errors first." if dataset.state == "failed" else None,
        )


def watch_validation(dataset: DatasetRecord) -> None:
    """A validation started in this window, while it runs and when it ends."""
    key = _watch_key(dataset)
    task_id = st.session_state.get(key)
    if not task_id:
        return
    task = follow(task_id)
    if task.state == "succeeded":
        st.session_state.pop(key)
        st.toast(f"Checked {md(dataset.name, 60)}", icon=":material/rule:")
    else:
        ended_badly(task, "validation")


def summary(dataset: DatasetRecord) -> None:
    """The main figures of the current version."""
    version = dataset.version
    stats = datasets.statistics(version.id)
    counts = version.manifest.findings
    errors, warnings = int(counts.get("error", 0)), int(counts.get("warning", 0))
    components.tiles(
        [
            components.Tile(
                "Labeled Examples",
                plural(version.examples, "pair"),
                set_apart(version.validation_examples, version.test_examples) or None,
                arrow="off",
                help="Each example is a supervised learning pair: input → output.",
            ),
            components.Tile("Typical length", f"{number(round(stats.tokens_median))} tokens", help=_TOKENS),
            components.Tile("Longest", f"{number(stats.tokens_max)} tokens", help=_TOKENS),
            components.Tile(
                "Findings",
                number(errors + warnings),
                plural(errors, "error") if errors else None,
                delta_color="red" if errors else "gray",
                arrow="off",
                note=plural(warnings, "warning") if warnings else None,
                help="Errors reject a row or block training; review the warnings.",
            ),
        ],
        key="figures",
    )
    st.caption(f"{datasets.DATASET_STATES[dataset.state]} · version {version.number}")


_TOKENS = "An estimate: characters divided by 4. Exact counts need a base model."


def _watch_key(dataset: DatasetRecord) -> str:
    return f"validating_{dataset.id}"
