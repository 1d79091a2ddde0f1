"""Step 1 of a new job: choose a validated dataset."""

from __future__ import annotations

import streamlit as st

from core.services.data import datasets, token_counts
from core.services.platform import drafts
from pages.training._new_job import hold_out
from pages.training._new_job.refusals import refused_examples
from pages.training._new_job.steps import IDS
from pages.ui import components, first_steps, navigation
from pages.ui.format import ago, md, number, plural, short, size
from pages.ui.wizard import ONWARD_KEYS, address, draft_state, foot

_PER_PAGE = 20


def draw(draft: drafts.DraftRecord | None) -> None:
    """Cards to choose from; beside them the statistics of the selected dataset."""
    every = datasets.choices()
    ready = [dataset for dataset in every if dataset.state == "validated"]
    if not ready:
        _nothing_ready(every)
        return
    chosen = draft.state.get("dataset_id") if draft else None
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("Training datasets", f"{len(ready)} ready for supervised learning")
        shown = components.searched(ready, lambda dataset: dataset.name, key="search_ready")
        with st.grid(2, min_column_width=250):
            on_page = components.page_of(shown, _PER_PAGE, "ready_page")
            for dataset in datasets.records_of([choice.id for choice in on_page]):
                _card(draft, dataset, dataset.id == chosen)
        components.pages(len(shown), _PER_PAGE, "ready_page")
        if not shown:
            st.caption("No dataset name contains that.")
        _others(every)
    with side:
        selected = next(iter(datasets.records_of([choice.id for choice in ready if choice.id == chosen])), None)
        _side(selected)
        if selected and draft:
            refused_examples(draft, selected.version.id)
    with foot(alone=True):
        if (
            st.button(
                "Continue to the model",
                type="primary",
                icon=":material/arrow_forward:",
                icon_position="right",
                disabled=chosen is None,
                shortcut=ONWARD_KEYS,
                key="to_model",
            )
            and draft
        ):
            address.onward(draft, "model", IDS)


def _others(every: list[datasets.DatasetChoice]) -> None:
    """The datasets that cannot be chosen, and what to do about them."""
    failed = sum(dataset.state == "failed" for dataset in every)
    unchecked = sum(dataset.state == "not_validated" for dataset in every)
    texts = (
        (failed, ":material/error:", f"{plural(failed, 'dataset has', 'datasets have')} errors to fix: open Datasets"),
        (unchecked, ":material/rule:", f"{plural(unchecked, 'dataset')} not validated yet: open Datasets"),
    )
    for count, icon, label in texts:
        if count:
            st.page_link(navigation.page_file("datasets"), icon=icon, label=label)


def _card(draft: drafts.DraftRecord | None, dataset: datasets.DatasetRecord, on: bool) -> None:
    version = dataset.version
    held = f" · {version.validation_examples:,} for validation" if version.validation_examples else ""
    text = f"Labeled Examples: {plural(version.examples, 'pair')}{held}"
    left_out = f":orange[{md(version.left_out_text)}] · " if version.left_out_text else ""
    facts = f"{left_out}version {version.number} · {ago(dataset.created_at)}"
    if components.choice_card(
        f"ds_{dataset.id}",
        md(dataset.name, 48),
        text,
        icon="dataset",
        on=on,
        tag="✓ Supervised",
        tag_color="blue" if on else "gray",
        facts=facts,
    ):
        _choose(draft, dataset.id)


def _choose(draft: drafts.DraftRecord | None, dataset_id: str) -> None:
    """The first choice creates the draft, so that only looking creates none."""
    if draft is None:
        address.open_draft(drafts.create("job", {"dataset_id": dataset_id}, step="dataset").id, "dataset")
    draft_state.save(draft, dataset_id=dataset_id, name=None)
    st.rerun()


def _side(dataset: datasets.DatasetRecord | None) -> None:
    if dataset is None:
        components.heading("What is Supervised Fine-Tuning?")
        with st.container(border=True, gap="small"):
            st.markdown("Your model will learn from input-output pairs.")
            st.caption(
                "Each example is a supervised learning pair: input → output. The model learns the pattern and "
                "improves its responses for similar questions."
            )
            st.caption(
                "High-quality labeled examples lead to better results. Consistency in labeling improves model "
                "performance."
            )
        return
    components.heading("Statistics", md(dataset.name, 30))
    stats = token_counts.statistics(dataset.version.id)
    with st.container(border=True, gap="small"):
        components.facts(_facts(dataset.version, stats))
    hold_out.offer(dataset)
    components.section_gap()
    components.heading("First example")
    page = datasets.examples(dataset.version.id, 0, 1)
    for item in page.items:
        question = next((m.content for m in item.example.messages if m.role == "user"), "")
        answer = next((m.content for m in item.example.messages if m.role == "assistant"), "")
        components.pair(short(question, 400), short(answer, 400), key="first")
    st.caption(f"Your model will learn from {number(dataset.version.train_examples)} of these.")


def _nothing_ready(every: list[datasets.DatasetChoice]) -> None:
    if every and all(dataset.state == "failed" for dataset in every):
        components.empty(
            "error",
            "Every dataset has errors to fix",
            "A dataset with errors cannot be trained on. Open it: its screen says what to fix.",
            "Open Datasets",
            key="none_ready",
            opens="datasets",
        )
    elif every:
        components.empty(
            "rule",
            "No dataset is validated yet",
            "Supervised fine-tuning requires validated labeled examples. Validate one of your datasets first.",
            "Open Datasets",
            key="none_ready",
            opens="datasets",
        )
    else:
        first_steps.no_data(
            "dataset",
            "No labeled examples yet",
            "Supervised fine-tuning requires labeled examples: convert a table, upload input → output pairs, or import "
            "chats. The demo brings its own.",
            key="no_data",
        )


def left_out(version: datasets.VersionRecord) -> list[tuple[str, str]]:
    """The rows of the file that a job cannot learn from, as a fact; nothing where all became examples."""
    text = version.left_out_text
    return [("Left out", text.removesuffix(" left out"))] if text else []


def _facts(version: datasets.VersionRecord, statistics: datasets.Statistics) -> list[tuple[str, str]]:
    """The figures of a dataset that matter before training, as names and values."""
    held = version.validation_examples
    rows = [
        ("Labeled Examples", plural(version.examples, "pair")),
        *left_out(version),
        ("Training", plural(version.train_examples, "pair")),
        ("Validation", plural(held, "pair") if held else "none, so there is no validation curve"),
        *([("Test", f"{plural(version.test_examples, 'pair')}, not used")] if version.test_examples else []),
        (
            "Length",
            f"{number(round(statistics.tokens_mean))} tokens on average, {statistics.tokens_max:,} at most, "
            f"{statistics.counted}",
        ),
        ("Total tokens", f"{number(statistics.tokens_total)}, {statistics.counted}"),
        ("Size", size(version.size_bytes)),
    ]
    if statistics.multi_turn:
        rows.append(("Multi-turn", plural(statistics.multi_turn, "conversation")))
    if statistics.with_system:
        rows.append(("System message", f"in {statistics.with_system:,}"))
    if statistics.distinct_labels:
        rows.append(("Distinct outputs", f"{statistics.distinct_labels:,}"))
    return rows
