"""Enter or change a date; record the answers of a model before it goes dark."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.messages import Split
from core.services.data import datasets
from core.services.serving import evaluating, shutdowns
from core.services.serving.evaluating import EvaluationCost
from core.services.serving.shutdowns import ShutdownRecord
from pages.ui import components, navigation, overrides
from pages.ui.dialogs import dialog
from pages.ui.errors import boundary, show_beside, show_error
from pages.ui.format import md, plural, usd

_SPLITS: Final[Mapping[Split, str]] = {"test": "test", "validation": "validation"}


@dialog("A date of a shutdown", width="medium", icon=":material/event_busy:")
def change_dialog(record: ShutdownRecord | None) -> None:
    """Its model and dates; what is entered here is not overwritten by a provider's list."""
    slots: dict[str, DeltaGenerator] = {}
    tag = f"{record.host}_{record.model}" if record else "new"
    with st.grid(2, min_column_width=200, gap=("small", "medium")):
        host = _text(
            "Provider", record.host if record else "", "api.openai.com", "host", tag, slots, record is not None
        )
        model = _text("Model", record.model if record else "", "gpt-4o", "model", tag, slots, record is not None)
        off = _day("Goes dark on", record.shutdown_on if record else "", "shutdown_on", tag, slots)
        ends = _day("No new jobs from", record.jobs_end_on if record else "", "jobs_end_on", tag, slots)
    source = _text("Source", record.source if record else "", "https://…", "source", tag, slots)
    if not st.button("Save", type="primary", icon=":material/check:", key="save_shutdown"):
        return
    try:
        shutdowns.save(host=host, model=model, shutdown_on=off, jobs_end_on=ends, source=source)
    except StudioError as error:
        if not show_beside(slots, error):
            show_error(error)
        return
    st.rerun()


@dialog("Record its answers", width="medium", icon=":material/save:")
def answers_dialog(record: ShutdownRecord) -> None:
    """Ask the model a dataset's examples; the evaluation keeps its answers after it went dark."""
    models = shutdowns.recordable(record)
    if not models:
        st.markdown("None of its models answers now. Deploy one at its service, or check its connection.")
        return
    choices = {choice.id: choice for choice in datasets.choices() if any(choice.parts.get(split) for split in _SPLITS)}
    if not choices:
        st.markdown("No dataset has a test or validation split. Split one under Datasets first.")
        return
    model_id = components.pick("Model", models, "answers_model")
    trained = next((use.dataset_id for use in record.used_by if use.model_id == model_id and use.dataset_id), "")
    names = {each: choice.name for each, choice in choices.items()}
    dataset_id = components.pick("Dataset", names, f"answers_dataset_{model_id}", trained if trained in names else None)
    parts = choices[dataset_id].parts
    splits: dict[str, str] = {
        split: f"{title} ({parts[split]:,})" for split, title in _SPLITS.items() if parts.get(split)
    }
    split = components.switch("Split", splits, f"answers_split_{dataset_id}", labeled=True)
    st.caption("The answers are kept as an evaluation, to compare its successor with.")
    with boundary():
        cost = evaluating.estimate([model_id], choices[dataset_id].version_id, split=split)
        st.caption(f":material/payments: {_cost(cost)}")
    clicked = st.button("Record", type="primary", icon=":material/play_arrow:", key="record_answers")
    if overrides.pressed(clicked, "record_answers"):
        with boundary(), overrides.start("record_answers"):
            evaluation = shutdowns.record_answers(model_id, dataset_id, split)
            navigation.go("evaluate", {"id": evaluation.id})


def _cost(cost: EvaluationCost) -> str:
    asked = plural(cost.calls, "answer")
    if cost.high_usd is None:
        return f"{asked}; the price is not known. Enter it at the connection, under Settings."
    return f"{asked}; at most {md(usd(cost.high_usd))}."


def forget(record: ShutdownRecord) -> None:
    """Remove a date from the calendar."""
    with boundary():
        shutdowns.remove(record.host, record.model)


def _text(
    label: str, value: str, example: str, field: str, tag: str, slots: dict[str, DeltaGenerator], fixed: bool = False
) -> str:
    with st.container(gap="xxsmall"):
        key = f"shutdown_{field}_{tag}"
        written = st.text_input(label, value, placeholder=example, max_chars=500, key=key, disabled=fixed, live=True)
        slots[field] = st.empty()
    return written.strip()


def _day(label: str, value: str, field: str, tag: str, slots: dict[str, DeltaGenerator]) -> str:
    with st.container(gap="xxsmall"):
        chosen = st.date_input(
            label, date.fromisoformat(value) if value else None, format="YYYY-MM-DD", key=f"shutdown_{field}_{tag}"
        )
        slots[field] = st.empty()
    return chosen.isoformat() if isinstance(chosen, date) else ""
