"""The edit grid: cells of input, output, context and part; rows deleted and added; saved as one new version."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import StudioError
from core.messages import Message
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord, ExampleRecord
from core.services.data.datasets.operations import AddedExample, EditRows, message_dicts
from pages.data._datasets.editing import change as dataset_change
from pages.ui.errors import show_error
from pages.ui.format import number

ROWS = 50
_TEXTS = {"Context": "system", "Input": "user", "Output": "assistant"}
_PARTS = {"train": "Training", "validation": "Held out"}
_SPLITS = {word: split for split, word in _PARTS.items()}


@dataclass
class Pending:
    """What was changed in the grid and is in no version yet; positions are those of the version it was begun on."""

    version_id: str = ""
    cells: dict[int, dict[str, Any]] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    added: list[dict[str, Any]] = field(default_factory=list)
    view: str = ""  # filter and page that the widget shows
    turn: int = 0  # grows whenever the widget is given other rows
    shown: list[int] = field(default_factory=list)  # the positions of its rows
    delta: dict[str, Any] = field(default_factory=dict)  # what the widget holds

    def settle(self) -> None:
        """Take over what the widget holds, before it is given other rows."""
        self.cells, self.gone, self.added = self.together()
        self.delta = {}

    def together(self) -> tuple[dict[int, dict[str, Any]], set[int], list[dict[str, Any]]]:
        """All changes: those kept and those in the widget."""
        cells, gone, added = copy.deepcopy(self.cells), set(self.gone), list(self.added)
        for row, changes in self.delta.get("edited_rows", {}).items():
            if int(row) < len(self.shown):
                cells.setdefault(self.shown[int(row)], {}).update(changes)
        gone |= {self.shown[row] for row in self.delta.get("deleted_rows", []) if row < len(self.shown)}
        added += [row for row in self.delta.get("added_rows", []) if any(_text(value) for value in row.values())]
        return {at: row for at, row in cells.items() if at not in gone}, gone, added


def grid(dataset: DatasetRecord, chosen: dict[str, Any]) -> None:
    """The examples that meet the filter as a table, a page at a time."""
    key = f"grid_{dataset.id}"
    pending: Pending = st.session_state.setdefault(key, Pending(dataset.version.id))
    if pending.version_id != dataset.version.id:
        pending = _overtaken(dataset, pending, key)
    page_key = f"{key}_page_{sorted(chosen.items())!r}"
    current = int(st.session_state.get(page_key, 1))
    page = datasets.examples(dataset.version.id, (current - 1) * ROWS, ROWS, **chosen)
    if not page.total:
        st.caption("No example matches that.")
        return
    view = f"{sorted(chosen.items())!r} {current}"
    if view != pending.view:
        pending.settle()
        pending.view, pending.turn = view, pending.turn + 1
    items = [item for item in page.items if item.position not in pending.gone]
    pending.shown = [item.position for item in items]
    st.caption(
        "Click a cell to change it; tick rows to delete them; type into the last row to add one. "
        "Of several turns the last is shown here: open such an example as a card to edit all of it."
    )
    _table(items, pending, key)
    pages = -(-page.total // ROWS)
    if pages > 1:
        st.caption(f"{number(page.total)} rows, {ROWS} at a time. Changes are kept while you turn the pages.")
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key=page_key)
    _save(dataset, pending, key)


def _overtaken(dataset: DatasetRecord, pending: Pending, key: str) -> Pending:
    """Changes that were begun on a version which is the newest no more: shown, so that nothing typed is lost."""
    cells, gone, added = pending.together()
    fresh = Pending(dataset.version.id, turn=pending.turn + 1)
    if not (cells or gone or added):
        st.session_state[key] = fresh
        return fresh
    with st.container(border=True, gap="small", key="overtaken"):
        st.markdown(
            f":orange[:material/warning:] **The dataset has a newer version than the one you were changing.** "
            f"What you typed is kept here; put it into version {dataset.version.number}, then close this."
        )
        rows = [{"No.": at + 1, **changes} for at, changes in sorted(cells.items())]
        rows += [{"No.": at + 1, "Input": "(deleted)"} for at in sorted(gone)]
        rows += [{"No.": None, **row} for row in added]
        st.dataframe(pd.DataFrame(rows), hide_index=True)
        if st.button("Close", icon=":material/close:", key="close_overtaken"):
            st.session_state[key] = fresh
            st.rerun()
    scratch: Pending = st.session_state.setdefault(f"{key}_{dataset.version.id}", fresh)
    return scratch


def _table(items: list[ExampleRecord], pending: Pending, key: str) -> None:
    name = f"{key}_{pending.version_id}_{pending.turn}"
    rows = [{**_row(item), **pending.cells.get(item.position, {})} for item in items]
    columns = ["#", "Input", "Output", "Context", "Part"]
    columns += ["Turns"] if any(item.turns > 1 for item in items) else []
    columns += ["Line"] if any(item.example.source_line for item in items) else []
    frame = pd.DataFrame(rows, columns=columns)
    st.data_editor(
        frame,
        key=name,
        num_rows="dynamic",
        hide_index=True,
        height=min(640, 80 + 36 * max(len(rows), 3)),
        disabled=["#", "Turns", "Line"],
        column_config={
            "#": st.column_config.NumberColumn("No.", width=60, help="The place of the example in the dataset."),
            "Input": st.column_config.TextColumn("Input", width=360),
            "Output": st.column_config.TextColumn("Output", width=300),
            "Context": st.column_config.TextColumn("Context", width=180, help="The system message."),
            "Part": st.column_config.SelectboxColumn(
                "Part", options=list(_SPLITS), width=100, default="Training", required=True
            ),
            "Turns": st.column_config.NumberColumn("Turns", width=60),
            "Line": st.column_config.NumberColumn("Line", width=60, help="The line of the file it came from."),
        },
        alt="The examples as a table that can be edited",
    )
    pending.delta = copy.deepcopy(dict(st.session_state.get(name) or {}))


def _row(item: ExampleRecord) -> dict[str, Any]:
    messages = item.example.messages
    return {
        "#": item.position + 1,
        **{title: _last(messages, role) for title, role in _TEXTS.items()},
        "Part": _PARTS[item.example.split],
        "Turns": item.turns,
        "Line": item.example.source_line or None,
    }


def _last(messages: tuple[Message, ...], role: str) -> str:
    return next((message.content for message in reversed(messages) if message.role == role), "")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _save(dataset: DatasetRecord, pending: Pending, key: str) -> None:
    cells, gone, added = pending.together()
    if not (cells or gone or added):
        return
    parts = [(len(cells), "edited"), (len(gone), "deleted"), (len(added), "added")]
    told = ", ".join(f"{count:,} {word}" for count, word in parts if count)
    with st.container(border=True, gap="small", key="on_grid_changes"):
        st.markdown(f"**Not saved yet:** {told}")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            why = st.text_input(
                "Why (optional)", max_chars=300, placeholder="Shown in the version history", key=f"{key}_why"
            )
            if st.button("Discard", type="tertiary", key="discard_grid"):
                _forget(dataset, pending)
                st.rerun()
            if st.button(
                f"Save as version {dataset.version.number + 1}", type="primary", icon=":material/save:", key="save_grid"
            ):
                try:
                    operation = _operation(dataset, cells, gone, added)
                except StudioError as error:
                    show_error(error)
                    return
                if dataset_change.apply(dataset, operation, why):
                    _forget(dataset, pending)
                    st.rerun()


def _forget(dataset: DatasetRecord, pending: Pending) -> None:
    fresh = Pending(dataset.version.id, turn=pending.turn + 1)
    for key in (f"grid_{dataset.id}", f"grid_{dataset.id}_{dataset.version.id}"):
        if st.session_state.get(key) is pending:
            st.session_state[key] = fresh


def _operation(
    dataset: DatasetRecord, cells: dict[int, dict[str, Any]], gone: set[int], added: list[dict[str, Any]]
) -> EditRows:
    rows, splits = {}, {}
    before = {item.position: item for item in datasets.examples_at(dataset.version.id, sorted(cells))}
    for position, changes in cells.items():
        if changes.get("Part"):
            splits[position] = _SPLITS[changes["Part"]]
        texts = {title: value for title, value in changes.items() if title in _TEXTS}
        if texts:
            rows[position] = tuple(_with(message_dicts(before[position].example), texts))
    more = [
        AddedExample(
            messages=tuple(_with([], {title: row.get(title) for title in _TEXTS})),
            split=_SPLITS[row.get("Part") or "Training"],
        )
        for row in added
    ]
    return EditRows(rows=rows, splits=splits, drop=tuple(gone), add=tuple(more))


def _with(messages: Sequence[Mapping[str, Any]], texts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages with the last one of each role replaced; a context that was emptied goes, a new one stands first."""
    out = [dict(message) for message in messages]
    for title, role in _TEXTS.items():
        if title not in texts:
            continue
        value = _text(texts[title])
        places = [at for at, message in enumerate(out) if message["role"] == role]
        if role == "system" and not value.strip():
            out = [message for message in out if message["role"] != "system"]
        elif places:
            out[places[-1]]["content"] = value
        elif role == "system":
            out.insert(0, {"role": role, "content": value})
        else:
            out.append({"role": role, "content": value})
    return out
