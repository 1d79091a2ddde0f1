"""The sections of the Mix screen: which datasets and how much of each, what comes out, and the making of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import plotly.graph_objects as go
import streamlit as st

from core.errors import NotFound, StudioError
from core.platform.tasks.records import TaskRecord
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord, mix as dataset_mix
from core.services.data.datasets.mix import MixPlan
from core.services.platform import tasks
from pages.ui import charts, face, frame
from pages.ui.boundary import show_error
from pages.ui.format import md, number, percent, plural, sentence, short
from pages.ui.progress import ended_badly, follow

Parts = list[tuple[str, float]]
_LED_ON = "mix_led_on"  # the mix whose dataset was opened: to come here again is to come back from it


def choose(found: Sequence[DatasetRecord]) -> tuple[Parts, int | None]:
    """The version of each chosen dataset with its weight, and the size of the mix (None: as the weights give)."""
    by_id = {dataset.id: dataset for dataset in found}
    face.heading("Datasets", "their newest versions")
    ids = st.multiselect(
        "Datasets to mix",
        list(by_id),
        format_func=lambda dataset_id: by_id[dataset_id].name,
        placeholder="Choose two or more",
        label_visibility="collapsed",
        bind="query-params",
        key="datasets",
    )
    fixed = (
        st.segmented_control(
            "Size",
            ["weights", "total"],
            default="weights",
            required=True,
            format_func={"weights": "As the weights give", "total": "A fixed number"}.__getitem__,
            help="As the weights give: weight 1 uses every example once, 2 twice, 0.5 every second one. "
            "A fixed number: the weights are shares of it.",
            bind="query-params",
            key="size",
        )
        == "total"
    )
    parts: Parts = []
    for dataset_id in ids:
        dataset = by_id[dataset_id]
        with st.container(
            border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"part_{dataset.id}"
        ):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**{md(dataset.name, 60)}**")
                st.caption(f"{plural(dataset.examples, 'pair')} · version {dataset.version.number}")
            weight = st.number_input(
                "Weight",
                0.05,
                1_000.0,
                1.0,
                step=0.5,
                format="%g",
                width=130,
                help="A share of the mix: 3 and 1 give 75% and 25%." if fixed else "1: every example once. 2: twice.",
                bind="query-params",
                key=f"weight_{dataset.id}",
            )
        parts.append((dataset.version.id, float(weight)))
    total = None
    if fixed:
        suggested = min(sum(by_id[one].examples for one in ids) or 1_000, dataset_mix.MAX_EXAMPLES)
        total = int(
            st.number_input(
                "Examples in the mix", 1, dataset_mix.MAX_EXAMPLES, suggested, bind="query-params", key="total"
            )
        )
    return parts, total


def outcome(parts: Parts, total: int | None) -> None:
    """What the mix would hold, and the button that makes it."""
    face.heading("What comes out")
    if len(parts) < 2:
        with st.container(border=True, horizontal_alignment="center", key="mix_waits"):
            st.space("small")
            st.markdown("# :gray[:material/blender:]", width="content", anchors=False)
            st.caption("Choose two datasets or more, and the counts stand here.", text_alignment="center")
            st.space("small")
        return
    try:
        plan = dataset_mix.mix_plan(parts, total)
    except StudioError as error:
        show_error(error)
        return
    with st.container(border=True, gap="small", key="mix_outcome"):
        st.markdown(f"**{plural(plan.total, 'labeled example')}**")
        _picture(plan)
        for part in plan.parts:
            note = percent(part.share)
            if part.repeats:
                note += f" · {part.taken / part.available:.3g} times over"
            elif part.taken < part.available:
                note += f" · of {number(part.available)}, drawn by chance"
            face.list_row(part.title, note, aside=number(part.taken))
    _make(parts, total)


def _picture(plan: MixPlan) -> None:
    colors = [charts.TUNED, charts.BASE, charts.GOOD, charts.WAIT, charts.BAD, charts.TUNED_SOFT, charts.BASE_SOFT]
    fig = go.Figure(
        [
            go.Bar(
                y=[""],
                x=[part.taken],
                orientation="h",
                name=short(part.title, 30),
                marker_color=colors[index % len(colors)],
                text=percent(part.share),
                textposition="inside",
                insidetextanchor="middle",
                hovertemplate=f"{part.taken:,}<extra></extra>",
            )
            for index, part in enumerate(plan.parts)
        ]
    )
    fig.update_layout(barmode="stack")
    fig.update_xaxes(range=[0, plan.total], showticklabels=False)
    charts.chart(
        fig,
        key="mix_picture",
        alt="; ".join(f"{part.title}: {part.taken:,} ({percent(part.share)})" for part in plan.parts),
        height=64,
        legend=False,
    )


def _make(parts: Parts, total: int | None) -> None:
    face.section_gap()
    name = st.text_input("Name", max_chars=200, placeholder="Support and general", key="mix_name")
    slot = st.empty()
    description = st.text_input("Description (optional)", max_chars=1_000, key="mix_description")
    seed = st.number_input(
        "Seed",
        0,
        2**31 - 1,
        42,
        help="Decides which examples are drawn. The same seed makes the same mix.",
        bind="query-params",
        key="seed",
    )
    if not st.button("Mix datasets", type="primary", icon=":material/blender:", width="stretch", key="mix_now"):
        return
    try:
        task = dataset_mix.mix(name, parts, total, int(seed), description)
    except StudioError as error:
        slot.markdown(f":red[:small[:material/error: {sentence(error.message)} {sentence(error.remedy)}]]")
        return
    st.query_params["task"] = task.id
    st.rerun()


def follow_mix(task_id: str) -> None:
    """The mix while it is made, and the way to it when it is done; Back from there is back to the choice."""
    task = follow(task_id)
    if task.state == "succeeded":
        if st.session_state.get(_LED_ON) == task_id:
            _choose_again(task)
        st.session_state[_LED_ON] = task_id
        st.switch_page(frame.page_file("datasets"), query_params={"id": str((task.result or {})["dataset_id"])})
    if ended_badly(task, "mix") and st.button("Choose again", icon=":material/arrow_back:", key="mix_again"):
        st.session_state["mix_name"] = str(task.payload["name"])
        _choose_again(task)


def come_back() -> None:
    """The browser's Back from the made dataset: Streamlit left its id in this screen's address, in the task's place."""
    task_id = st.session_state.get(_LED_ON)
    if task_id and "id" in st.query_params:
        with suppress(NotFound):
            _choose_again(tasks.get_task(task_id))


def _choose_again(task: TaskRecord) -> None:
    """The choice that made a mix, in its widgets again; a dataset that was deleted since is left out."""
    wanted = task.payload
    chosen: dict[str, float] = {}
    for part in wanted["parts"]:
        with suppress(NotFound):
            dataset = datasets.get_dataset(datasets.get_version(part["version_id"]).dataset_id)
            chosen[dataset.id] = float(part["weight"])
    st.session_state["datasets"] = list(chosen)
    st.session_state["size"] = "weights" if wanted["total"] is None else "total"
    st.session_state.update({f"weight_{dataset_id}": weight for dataset_id, weight in chosen.items()})
    if wanted["total"] is not None:
        st.session_state["total"] = int(wanted["total"])
    st.session_state["seed"] = int(wanted["seed"])
    st.session_state["mix_description"] = str(wanted["description"])
    st.query_params.clear()  # the widgets write themselves into it
    st.rerun()
