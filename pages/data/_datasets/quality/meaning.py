"""Examples by meaning, under the charts of the Quality tab: similar pairs, topics, held-out inputs known to training.

A person decides about each pair; the examples that are removed are the ones that were on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.messages import SPLIT_TITLES
from core.services.data import datasets, meaning
from core.services.data.datasets import DatasetRecord
from core.services.data.datasets.operations import DropRows
from core.services.data.meaning import AlikePair, MeaningReport, TopicFound
from core.services.platform import tasks
from pages.data._datasets.editing import change as dataset_change
from pages.ui import components
from pages.ui.charts.topics import topic_map
from pages.ui.examples import example_view
from pages.ui.format import ago, md, number, percent, plural
from pages.ui.tasks.progress import ended_badly, follow

PER_PAGE = 5
WHAT = (
    "Inputs that say the same in other words, the topics of this dataset, and held-out inputs that training knows in "
    "other words. Words are compared by their meaning, not their order: it is a hint, and you decide."
)
KEEP, FIRST, SECOND = "Keep both", "Remove the first", "Remove the second"
ALIKE, KNOWN, TOPICS = "alike", "known", "topics"


def by_meaning(dataset: DatasetRecord) -> None:
    """Draw what was found in the current version, or offer to look."""
    report = meaning.report(dataset.version.id)
    if report is None:
        components.heading("By meaning")
        _offer(dataset)
        return
    sampled = "" if report.compared == report.examples else f"{number(report.compared)} of "
    components.heading(
        "By meaning", f"{sampled}{plural(report.examples, 'example')} compared · {ago(report.computed_at)}"
    )
    titles = {
        ALIKE: f"Similar inputs ({number(report.alike_total)})",
        KNOWN: f"Held out, but similar to training ({number(report.known_total)})",
        TOPICS: f"Topics ({len(report.topics)})",
    }
    shown = components.switch("By meaning", titles, f"meaning_{dataset.version.id}")
    if shown == TOPICS:
        _topics(dataset, report)
    elif shown == ALIKE:
        _pairs(dataset, report.alike, report.alike_total, ALIKE)
    else:
        _pairs(dataset, report.known, report.known_total, KNOWN)


def _offer(dataset: DatasetRecord) -> None:
    """The button that starts the task, its progress, or why it failed."""
    slot = f"meaning_task_{dataset.version.id}"
    running = tasks.list_about(meaning.KIND, version_id=dataset.version.id)
    started = next((task.id for task in running if not task.is_terminal), None)
    if task_id := st.session_state.get(slot) or started:
        task = follow(task_id)
        if task.state == "succeeded":
            st.session_state.pop(slot, None)
            st.rerun()
        ended_badly(task, "meaning")
        if not task.is_terminal:
            return
    with components.spread(border=True, key="meaning_offer"):
        st.caption(WHAT, width="stretch")
        if st.button("Look by meaning", icon=":material/scatter_plot:", key="look_by_meaning"):
            st.session_state[slot] = meaning.start(dataset.id).id
            st.rerun()


def _pairs(dataset: DatasetRecord, pairs: Sequence[AlikePair], total: int, kind: str) -> None:
    """The pairs of one page, each with a choice, and the button that removes what was chosen on this page."""
    st.caption(
        "Two training examples that say the same teach it twice; with different outputs they contradict each other."
        if kind == ALIKE
        else "A held-out example that training knows in other words is answered from memory: its score says less."
    )
    if not pairs:
        st.markdown(":green[:material/check_circle:] None was found.")
        return
    if total > len(pairs):
        st.caption(f"The {number(len(pairs))} most similar of {number(total)} are listed.")
    key = f"{kind}_page_{dataset.version.id}"
    first = components.first_of_page(len(pairs), PER_PAGE, key)
    page = pairs[first : first + PER_PAGE]
    removed = {position for pair in page for position in _pair(dataset, pair, kind)}
    with components.spread(key=f"{kind}_foot"):
        components.pages(len(pairs), PER_PAGE, key=key)
        label = f"Remove {plural(len(removed), 'example')}" if removed else "Nothing chosen"
        help_text = f"Creates version {dataset.version.number + 1}; you can undo it."
        if st.button(label, icon=":material/delete:", key=f"{kind}_remove", disabled=not removed, help=help_text):
            operation = DropRows(positions=tuple(sorted(removed)))
            with st.spinner("Creating the new version…"):
                changed = dataset_change.apply(dataset, operation, "Similar by meaning")
            if changed:
                st.rerun()


def _pair(dataset: DatasetRecord, pair: AlikePair, kind: str) -> list[int]:
    """One pair side by side; returns the positions that the user wants to remove."""
    items = datasets.examples_at(dataset.version.id, [pair.first, pair.second])
    name = f"{kind}_{dataset.version.number}_{pair.first}_{pair.second}"
    with st.container(border=True, gap="small", key=f"meaning_{name}"):
        with components.spread():
            said = "the same output" if pair.same_output else ":orange[different outputs]"
            st.markdown(f"**{percent(pair.similarity)} similar** · {said}", width="content")
            options = [KEEP, FIRST, SECOND]
            chosen = st.segmented_control(
                "Decision", options, default=KEEP, required=True, label_visibility="collapsed", key=f"decide_{name}"
            )
        with st.grid(2, min_column_width=260, gap="medium"):
            for item in items:
                with st.container(gap="xsmall"):
                    st.caption(f"Example {item.position + 1:,} · {SPLIT_TITLES[item.example.split]}")
                    example_view.conversation(item.example.messages, key=f"meaning_{name}_{item.position}", limit=400)
    return {FIRST: [pair.first], SECOND: [pair.second]}.get(chosen or KEEP, [])


def _topics(dataset: DatasetRecord, report: MeaningReport) -> None:
    if not report.topics:
        st.caption("There are too few inputs for topics.")
        return
    thin = [topic for topic in report.topics if topic.thin]
    if thin:
        names = ", ".join(f"“{md(topic.name, 60)}”" for topic in thin[:4])
        st.warning(
            f"{plural(len(thin), 'topic has', 'topics have')} few examples: {names}. Write or convert more of them if "
            "your users ask about this.",
            icon=":material/density_small:",
        )
    left, right = st.columns([7, 5], gap="medium")
    with left, st.container(border=True):
        topic_map(report.topics, key=f"topic_map_{dataset.version.id}")
        st.caption("A circle is a topic, sized by its examples; similar ones are near each other. Hover for a name.")
    with right, st.container(border=True, gap="xsmall", height=464, key="topics"):
        for topic in components.divided(report.topics):
            _topic(dataset, topic)


def _topic(dataset: DatasetRecord, topic: TopicFound) -> None:
    with st.container(gap="xxsmall"):
        with components.spread():
            badge = f" {components.badge_md('few examples', 'orange')}" if topic.thin else ""
            st.markdown(f"**{md(topic.name, 60)}**{badge}", width="content")
            st.caption(plural(topic.count, "example"), width="content")
        for item in datasets.examples_at(dataset.version.id, list(topic.positions[:2])):
            asked = next((m.content for m in reversed(item.example.messages) if m.role == "user"), "")
            st.caption(md(" ".join(asked.split()), 110))
