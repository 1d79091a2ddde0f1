"""The difference between two versions, example by example and side by side, with changed words marked."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.messages import SPLIT_TITLES, Example, Message
from core.services.data.datasets import DatasetRecord, ExampleRecord, VersionRecord, diff as dataset_diff
from core.services.data.datasets.diff import DiffRow
from core.services.data.datasets.edits import VersionChange
from pages.ui import components
from pages.ui.escaping import escaped
from pages.ui.examples import example_view, word_diff
from pages.ui.format import number, plural, short

PER_PAGE = 5
_ROLE = {"system": "CONTEXT", "user": "INPUT", "assistant": "OUTPUT", "tool": "TOOL RESULT"}
_KIND = {
    "changed": ("Changed", "blue", "edit"),
    "added": ("Added", "green", "add"),
    "removed": ("Removed", "red", "remove"),
    "unchanged": ("Unchanged", "gray", "drag_handle"),
}


def choose(dataset: DatasetRecord, version: VersionRecord, changes: Sequence[VersionChange]) -> None:
    """Compare a version with the one before it."""
    numbers = [change.version.number for change in changes]
    before = [number for number in numbers if number < version.number]
    st.session_state[f"diff_a_{dataset.id}"] = before[0] if before else version.number
    st.session_state[f"diff_b_{dataset.id}"] = version.number
    st.rerun()


def panel(dataset: DatasetRecord, changes: Sequence[VersionChange]) -> None:
    """Choose two versions and see the differences."""
    by_number = {change.version.number: change.version for change in changes}
    numbers = list(by_number)
    components.heading("Differences", "each row is one example")
    for side, start in (("a", numbers[1]), ("b", numbers[0])):
        if st.session_state.get(f"diff_{side}_{dataset.id}") not in by_number:
            st.session_state[f"diff_{side}_{dataset.id}"] = start
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="diff_choices"):
        a = st.selectbox("From", numbers, format_func=_version, key=f"diff_a_{dataset.id}", width=150)
        b = st.selectbox("To", numbers, format_func=_version, key=f"diff_b_{dataset.id}", width=150)
        slot = st.container(width="content")
    if a == b:
        st.caption("Choose two different versions.")
        return
    first, second = by_number[a].id, by_number[b].id
    kind_key = f"diff_kind_{first}_{second}"
    kind = st.session_state.get(kind_key) or "all"
    page_key = f"diff_page_{first}_{second}_{kind}"
    current = int(st.session_state.get(page_key, 1))
    page = dataset_diff.diff(first, second, (current - 1) * PER_PAGE, PER_PAGE, kind=None if kind == "all" else kind)
    counts = {name: getattr(page, name) for name in _KIND}
    with slot:
        differing = page.added + page.removed + page.changed
        names = {"all": f"All differences {differing:,}"}
        names |= {name: f"{_KIND[name][0]} {count:,}" for name, count in counts.items() if count}
        components.switch("Kind", names, key=kind_key, default="all")
    if not page.rows:
        st.caption(f"No differences of this kind. Unchanged: {plural(counts['unchanged'], 'example')}.")
    for index, row in enumerate(page.rows):
        _row(row, f"{page_key}_{index}")
    components.pages(page.total, PER_PAGE, key=page_key)


def _version(number_of: int) -> str:
    return f"Version {number_of}"


def _row(row: DiffRow, key: str) -> None:
    word, color, icon = _KIND[row.kind]
    with st.container(border=True, gap="small", key=f"diff_row_{key}"):
        places = [f"example {number(item.position + 1)}" for item in (row.before, row.after) if item]
        place = places[0] if len(set(places)) == 1 else " → ".join(places)
        moved = ""
        if row.before and row.after and row.before.example.split != row.after.example.split:
            names = [SPLIT_TITLES[item.example.split].lower() for item in (row.before, row.after)]
            moved = f" :gray[· {' → '.join(names)}]"
        st.markdown(f":small[{components.badge_md(word, color, icon)} :gray[{place}]{moved}]")
        if row.kind == "unchanged" and row.after:
            example_view.conversation(row.after.example.messages, key=key, limit=600)
            return
        left, right = st.columns(2, gap="medium")
        with left:
            st.html(_side(row.before, row.after, old=True))
        with right:
            st.html(_side(row.after, row.before, old=False))


def _side(item: ExampleRecord | None, other: ExampleRecord | None, *, old: bool) -> str:
    """One side as HTML: texts are escaped, and words that differ from the other side are marked."""
    if item is None:
        return f'<div class="diff-none">{"did not exist" if old else "removed"}</div>'
    theirs = _labeled(other.example) if other else []
    pairs = _pairs(_labeled(item.example), theirs) if other else [(part, None) for part in _labeled(item.example)]
    out = []
    for part, twin in pairs:
        if other is None:
            body = escaped(short(part.text, word_diff.LIMIT))
        elif twin is None:
            body = f"<mark>{escaped(short(part.text, word_diff.LIMIT))}</mark>"
        elif part.kind == "tools" and part.text == twin.text:
            body = escaped(part.name)
        else:
            body = word_diff.marked(part.text, twin.text)
        side = "diff-old" if old else "diff-new"
        out.append(f'<small>{part.label}</small><div class="shown {side}" dir="auto">{body or "(empty)"}</div>')
    return "".join(out)


@dataclass(frozen=True)
class _Part:
    """A text of an example: its kind, the label to show, the text, and the name of a tool, enough where it is equal."""

    kind: str
    label: str
    text: str
    name: str = ""


def _labeled(example: Example) -> list[_Part]:
    """The tools, the messages and the rejected answer of an example as texts."""
    parts = [
        _Part(
            "tools",
            "TOOL",
            json.dumps(tool.get("function", tool), ensure_ascii=False, indent=1),
            example_view.tool_name(tool),
        )
        for tool in example.tools
    ]
    for message in example.messages:
        weight = " · weight 0" if message.weight == 0 else ""
        parts.append(_Part(message.role, _ROLE.get(message.role, message.role.upper()) + weight, _text(message)))
    return parts + [_Part("rejected", "REJECTED OUTPUT", _text(message)) for message in example.rejected]


def _pairs(parts: Sequence[_Part], others: Sequence[_Part]) -> list[tuple[_Part, _Part | None]]:
    """Each text with its counterpart on the other side: equal ones first, the others in order."""
    out: list[tuple[_Part, _Part | None]] = []
    keys = [(part.kind, part.text) for part in parts]
    other_keys = [(part.kind, part.text) for part in others]
    matcher = difflib.SequenceMatcher(None, keys, other_keys, autojunk=False)
    for _, start, end, other_start, other_end in matcher.get_opcodes():
        left = list(others[other_start:other_end])
        for part in parts[start:end]:
            twin = next((candidate for candidate in left if candidate.kind == part.kind), None)
            if twin is not None:
                left = left[left.index(twin) + 1 :]
            out.append((part, twin))
    return out


def _text(message: Message) -> str:
    calls = "\n".join(example_view.call_text(call) for call in message.tool_calls)
    return "\n".join(part for part in (message.content, calls) if part)
