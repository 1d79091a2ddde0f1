"""What follows an upload: the form that creates the dataset, or the way to Convert data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

from core.services.data import conversion, datasets, rows_account
from core.services.data.conversion import raw_text
from core.services.data.sources import Analysis, SourceRecord
from core.services.platform import drafts
from pages.data._shared.account import account_card, account_of, held_out_text, shape_choices
from pages.data._shared.dataset_form import name_fields
from pages.data._shared.sample_rows import sample_rows
from pages.data._shared.uploads import chat_log_note, drop_zone, file_card, raw_text_note
from pages.data._upload.follow import note_import
from pages.ui import components, navigation
from pages.ui.errors import boundary
from pages.ui.examples import example_view
from pages.ui.format import md, number, plural
from pages.ui.wizard import ONWARD_KEYS, address


def known_shape_form(source: SourceRecord, analysis: Analysis) -> None:
    """The form for a file in a known shape, with its first examples."""
    with st.container(border=True, gap="small", key="known_shape"):
        title = conversion.shape_title(analysis.shape)
        st.markdown(
            f"{components.badge_md('✓ Supervised', 'green')} {components.badge_md(md(title))} "
            f"{plural(analysis.total_rows, 'row')} in a known format."
        )
        options, found, without, decided = _decisions(source, analysis)
        name, description, fits = name_fields(
            datasets.free_name(source.filename), "", lambda field: f"{field}_{source.id}"
        )
        validation_id = _validation_part(source)
        preview = conversion.preview(source.id, shape=analysis.shape, options=options, limit=3)
        components.facts(_expected(preview, found, without, validation_id is not None))
        if st.button(
            "Create dataset",
            type="primary",
            icon=":material/check:",
            disabled=not (fits and decided),
            shortcut=ONWARD_KEYS,
            key="create_dataset",
        ):
            with boundary():
                task = datasets.create_from_source(
                    source.id, name.strip(), description.strip(), validation_id, options, without
                )
                note_import(source.id, task.id)
                st.query_params.from_dict({"task": task.id})
                st.rerun()
    components.section_gap()
    if conversion.row_by_row(analysis.shape):
        state = {"shape": analysis.shape, "options": options}
        sample_rows(source.id, state, analysis.total_rows, title="Sample rows", columns=1)
        return
    components.heading("First examples", f"of {number(analysis.total_rows)}")
    for index, labeled in enumerate(preview.examples, 1):
        example_view.show(labeled.example.messages, key=f"first_{index}", note=f"Line {labeled.example.source_line}")


def _expected(
    preview: conversion.Preview, found: conversion.Account, without: Sequence[str], has_validation_file: bool
) -> list[tuple[str, str]]:
    """The expected number of examples, and how many of them are held out."""
    about = "about " if preview.looked_at < preview.of_rows else ""
    split = held_out_text(found, without, preview.estimated_total, None, about)
    return [
        ("Labeled examples", f"{about}{number(preview.estimated_total)}"),
        ("For validation", "the examples of the second file" if has_validation_file else split),
        ("System message", FROM_FILE if _has_system(preview) else NO_SYSTEM),
    ]


FROM_FILE = "from the file"
NO_SYSTEM = "none: the file has none. Edit in Datasets can set one for every example."


def _has_system(preview: conversion.Preview) -> bool:
    return any(message.role == "system" for labeled in preview.examples for message in labeled.example.messages)


def _decisions(source: SourceRecord, analysis: Analysis) -> tuple[dict[str, str], conversion.Account, list[str], bool]:
    """What the file's fields become, and what the user decides: options, the account with them, fields to continue
    without, whether all is decided."""
    kept, way = f"options_{source.id}", str(source.detection.to_dict())
    earlier: dict[str, str] = st.session_state.get(kept) or {}
    state: dict[str, Any] = {"shape": analysis.shape, "options": earlier}
    found = account_of(source.id, state, way)

    def key_of(name: str) -> str:
        return f"{name}_{source.id}"

    options = shape_choices(found, earlier, key_of)
    if options != earlier:
        st.session_state[kept] = options
        found = account_of(source.id, state | {"options": options}, way)
    before = state | {"options": options}
    without, decided = account_card(
        found, analysis.total_rows, (), key_of, lambda: rows_account.left_out_before(source.id, before)
    )
    return options, found, without, decided and found.accepted > 0


def _validation_part(source: SourceRecord) -> str | None:
    key = f"validation_of_{source.id}"
    chosen = st.session_state.get(key)
    with st.expander("Separate validation file (optional)", icon=":material/fact_check:"):
        st.caption(
            "Examples that are never trained on show whether the model learned or memorized. Without a file, "
            "the studio holds out a part of datasets with 200 examples or more."
        )
        if chosen is None:
            stored = drop_zone(f"validation_{source.id}", "Validation examples")
            if stored is not None:
                st.session_state[key] = stored
                st.rerun()
        elif file_card(chosen):
            st.session_state.pop(key)
            st.rerun()
    return chosen.id if chosen else None


def lead_to_wizard(source: SourceRecord, analysis: Analysis) -> None:
    """The way to Convert data for a table in no known shape; the file goes along."""
    raw = raw_text(analysis)
    is_chat = chat_log_note(source)
    with st.container(border=True, gap="small", key="to_wizard"):
        st.markdown(f"**{plural(analysis.total_rows, 'row')}, {plural(len(analysis.columns), 'column')}**")
        if raw:
            raw_text_note(raw)
        else:
            st.markdown(
                "Which column is the input and which is the output? "
                "Choose them in Convert data and see the examples at once. You don't need to upload the file again."
            )
        names = " ".join(components.badge_md(md(column.name, 40)) for column in analysis.columns[:12])
        if names:
            st.markdown(names)
        kind: Literal["primary", "secondary"] = "secondary" if is_chat else "primary"
        if st.button(
            "Continue to Convert data", type=kind, icon=":material/transform:", shortcut=ONWARD_KEYS, key="to_convert"
        ):
            mode = {"mode": "smart"} if raw else {}
            draft = drafts.create("convert", {"source_id": source.id, **mode}, "analyze")
            navigation.go("convert", address.query(draft.id, draft.step))
