"""The Variations tab: a language model rewords examples, and they are added as a new version."""

from __future__ import annotations

import random

import streamlit as st

from core.services.data import datasets, smart
from core.services.data.datasets import DatasetRecord, ExampleRecord
from core.services.platform import connections, tasks
from core.services.platform.connections import ConnectionRecord
from core.services.platform.tasks import TaskRecord
from pages.data._smart.cost import cost_words
from pages.data._smart.model_choice import choose_connection, choose_model
from pages.data._smart.rows import live_rows
from pages.data._smart.run import follow_smart
from pages.ui import components, overrides
from pages.ui.errors import boundary
from pages.ui.examples import example_view
from pages.ui.format import ago, md, number, plural

MOST = 100  # largest random sample of one run
MOST_MATCHES = 500
_WAYS = {"sample": "A random sample", "search": "Examples that contain certain words"}
_SEED = 42
_OVERHEAD_TOKENS = 300  # of the request besides the example, approximately


def panel(dataset: DatasetRecord) -> None:
    """Draw the tab: the form, or the run with its rows."""
    task = _latest(dataset.id)
    if task is not None and not task.is_terminal:
        follow_smart(task.id)
        live_rows(task.id, active=task.is_active)
        return
    main, side = st.columns([8, 5], gap="medium")
    with main:
        components.heading("Which examples", "held-out examples are never used")
        originals = _originals(dataset)
        components.section_gap()
        components.heading("Who writes")
        record, model, count, wishes = _writer(dataset)
    with side:
        components.heading("Estimate")
        _cost(originals, record, model, count)
        _start(dataset, originals, record, model, count, wishes)
        if originals:
            components.section_gap()
            components.heading("First example", f"of {number(len(originals))}")
            example_view.show(originals[0].example.messages, key="varied_first", limit=400)
    if task is not None:
        components.section_gap()
        components.heading("Last run", ago(task.finished_at))
        follow_smart(task.id)
        live_rows(task.id, active=False)


def _latest(dataset_id: str) -> TaskRecord | None:
    """The newest run of this dataset, or one that has not ended."""
    runs = tasks.list_about("variations", dataset_id=dataset_id)
    return next((task for task in runs if not task.is_terminal), runs[0] if runs else None)


def _originals(dataset: DatasetRecord) -> list[ExampleRecord]:
    version = dataset.version
    with st.container(border=True, gap="small", key="vary_which"):
        way = components.switch("Which examples", _WAYS, key=f"vary_way_{dataset.id}", default="sample")
        if way == "sample":
            most = max(1, min(MOST, version.train_examples))
            size = st.number_input("How many", 1, most, min(10, most), key=f"vary_size_{dataset.id}", width=200)
            return _sample(version.id, version.train_examples, int(size))
        search = st.text_input(
            "Text to find", placeholder="A word in the input or the output", key=f"vary_search_{dataset.id}"
        )
        if not search.strip():
            return []
        page = datasets.examples(version.id, 0, MOST_MATCHES, search=search.strip(), split="train")
        st.caption(
            f"{plural(page.total, 'example')} found"
            + (f"; the first {number(MOST_MATCHES)} are used." if page.total > MOST_MATCHES else ".")
        )
        return page.items


@st.cache_data(max_entries=8, show_spinner="Drawing the sample")
def _sample(version_id: str, total: int, size: int) -> list[ExampleRecord]:
    """The same sample every time: drawn with a fixed seed, in the order of the version."""
    chosen = sorted(random.Random(_SEED).sample(range(total), min(size, total)))  # noqa: S311  not a secret
    return [item for offset in chosen for item in datasets.examples(version_id, offset, 1, split="train").items]


def _writer(dataset: DatasetRecord) -> tuple[ConnectionRecord, str, int, str]:
    records = {record.id: record for record in connections.list_connections()}
    with st.container(border=True, gap="small", key="vary_who"):
        with st.grid(2, min_column_width=220):
            record = choose_connection(records, f"vary_connection_{dataset.id}")
            with st.container(gap="xxsmall"):
                model = choose_model(record, f"vary_model_{record.id}")
        count = st.slider("Variations of each example", 1, 5, 2, key=f"vary_count_{dataset.id}")
        wishes = st.text_area(
            "Instructions (optional)",
            placeholder="Vary how polite and how long the question is; keep every number as it is.",
            height=80,
            max_chars=4_000,
            key=f"vary_wishes_{dataset.id}",
        )
    return record, model, int(count), wishes.strip()


def _cost(originals: list[ExampleRecord], record: ConnectionRecord, model: str, count: int) -> None:
    read = sum(item.tokens + _OVERHEAD_TOKENS for item in originals)
    written = sum(item.tokens for item in originals) * count
    price = record.price(model)
    cost = price.cost(read, written) if price else None
    with st.container(border=True, gap="small", key="vary_cost"):
        components.facts(
            [
                ("Examples", number(len(originals))),
                ("New examples", f"up to {number(len(originals) * count)}"),
                ("Requests", number(len(originals))),
                ("Tokens", f"about {number(read)} in, {number(written)} out"),
                ("Cost", cost_words(cost, record, model)),
            ]
        )
        if not record.client_kind.is_local:
            st.caption(f":orange[:material/outbound:] The examples are sent to {md(record.name, 60)}.")
        st.caption("Each variation records that a model wrote it, and from which example. You can undo the run.")


def _start(
    dataset: DatasetRecord,
    originals: list[ExampleRecord],
    record: ConnectionRecord,
    model: str,
    count: int,
    wishes: str,
) -> None:
    if not st.button(
        "Write variations",
        type="primary",
        icon=":material/auto_awesome:",
        disabled=not originals or not model,
        key="vary_start",
        width="stretch",
    ):
        return
    with boundary():
        with overrides.start():
            smart.vary(dataset.id, [item.position for item in originals], record.id, model, count, wishes)
        st.rerun()
