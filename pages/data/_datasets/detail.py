"""The head of one dataset: name, actions and figures."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.services.data import datasets, token_counts
from core.services.data.datasets import DatasetRecord, VersionRecord
from pages.data._datasets.cards import SCREEN, SUPERVISED, origin
from pages.data._datasets.versions import export
from pages.ui import components, listing, navigation, states
from pages.ui.format import day, md, number, plural, sentence, set_apart, size
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
        if dataset.state == "failed":
            st.toast(f"{md(dataset.name, 60)} has errors to fix", icon=":material/error:")
        else:
            st.toast(f"Checked {md(dataset.name, 60)}", icon=":material/rule:")
    else:
        ended_badly(task, "validation")


def summary(dataset: DatasetRecord) -> None:
    """The main figures of the current version."""
    version = dataset.version
    stats = token_counts.statistics(version.id)
    counts = datasets.findings_by_severity(version.id)
    components.tiles(
        [
            components.Tile(
                "Labeled Examples",
                plural(version.examples, "pair"),
                set_apart(version.validation_examples, version.test_examples) or None,
                arrow="off",
                help="Each example is a supervised learning pair: input → output.",
            ),
            *_lengths(stats),
            _findings(counts),
            *_left_out(version),
        ],
        key="figures",
    )
    st.caption(f"{datasets.DATASET_STATES[dataset.state]} · version {version.number}")
    if dataset.state == "failed":
        what_to_fix(dataset)


def _findings(counts: Mapping[str, int]) -> components.Tile:
    """All findings about what is in the dataset, as the tab lists them."""
    errors = counts["error"]
    others = [plural(counts["warning"], "warning"), plural(counts["info"], "note")]
    return components.Tile(
        "Findings",
        number(sum(counts.values())),
        plural(errors, "error") if errors else None,
        delta_color="red" if errors else "gray",
        arrow="off",
        note=", ".join(text for text in others if not text.startswith("0 ")) or None,
        help="About the examples in the dataset. Errors block training; review the warnings.",
    )


def _left_out(version: VersionRecord) -> list[components.Tile]:
    """The rows that never became examples; none where all did."""
    if not version.left_out_text:
        return []
    counts = version.manifest.counts
    noun = "Messages left out" if version.manifest.origin == "chat_import" else "Rows left out"
    text = "They are not in the dataset. Findings lists them with their reasons, for download."
    of = f"of {number(counts.read)}"
    return [components.Tile(noun, number(counts.rejected), of, delta_color="orange", arrow="off", help=text)]


def what_to_fix(dataset: DatasetRecord) -> None:
    """The errors that keep a dataset from being trained on, each with its remedy."""
    with st.container(border=True, gap="xsmall", key="what_to_fix"):
        st.markdown("**:red[:material/error: Fix this before training]**")
        for finding in datasets.findings(dataset.version.id, limit=20, severity="error"):
            st.markdown(f"{sentence(finding.message)} :gray[{sentence(finding.remedy)}]")
        st.caption("Every fix creates a version, which is checked at once.")


def _lengths(stats: datasets.Statistics) -> list[components.Tile]:
    """The typical and the greatest length, with how they were counted."""
    lengths = (("Typical length", round(stats.tokens_median)), ("Longest", stats.tokens_max))
    how = f"Tokens, {md(stats.counted)}." if stats.counted_by else _ESTIMATED
    note = f"by {md(stats.counted_by)}" if stats.counted_by else "estimated"
    return [components.Tile(name, f"{number(tokens)} tokens", note, arrow="off", help=how) for name, tokens in lengths]


_ESTIMATED = "An estimate: characters divided by 4. It is exact where the recommended base model is on this machine."


def _watch_key(dataset: DatasetRecord) -> str:
    return f"validating_{dataset.id}"
