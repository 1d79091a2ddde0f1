"""Sample conversions of a file: the first rows of the file, the next ones, or any others."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.messages import Reject
from core.services.data import conversion, quality
from core.services.data.conversion import Labeled
from pages.ui import components
from pages.ui.examples import example_view
from pages.ui.format import md, number, plural, sentence, short

ROWS = 6


def example_cards(items: Sequence[Labeled | Reject], *, columns: int) -> None:
    """Examples as cards, each with its first issue; rows that become none with their reason."""
    with st.grid(columns, min_column_width=300):
        for index, item in enumerate(items, 1):
            if isinstance(item, Reject):
                _left_out(item, index)
                continue
            badge = (
                components.badge_md(md(quality.issue_title(item.findings[0].code)), "orange")
                if item.findings
                else components.badge_md("Ready", "green")
            )
            note = f"Example {index} · line {item.example.source_line}"
            example_view.show(item.example.messages, key=f"preview_{index}", note=note, badge=badge, limit=600)


def _left_out(item: Reject, index: int) -> None:
    with st.container(border=True, gap="xsmall", height="stretch", key=f"left_out_{index}"):
        with components.spread():
            st.caption(f"Line {number(item.line)}", width="content")
            st.markdown(f":small[{components.badge_md('Left out', 'orange', 'block')}]", width="content")
        for finding in item.findings[:1]:
            st.markdown(sentence(finding.message))
        if item.raw:
            st.caption(md(short(item.raw, 300)))


def sample_rows(
    source_id: str, state: Mapping[str, Any], of_rows: int, *, title: str = "Sample conversions", columns: int = 2
) -> None:
    """Draw some rows of a file and what they become, with the ways to other rows.

    Args:
        state: the choices, as in a draft.
    """
    slot = f"sample_from_{source_id}"
    last = max(0, of_rows - ROWS)
    start = min(int(st.session_state.get(slot, 0)), last)
    components.heading(
        title,
        f"rows {number(start + 1)} to {number(min(start + ROWS, of_rows))} of {number(of_rows)}",
    )
    with st.spinner("Reading the rows"):
        example_cards(conversion.sample(source_id, state, start, ROWS), columns=columns)
    if of_rows <= ROWS:
        return
    goals = (
        ("earlier", "Earlier rows", "arrow_back", max(0, start - ROWS), start == 0),
        ("next", "Next rows", "arrow_forward", min(start + ROWS, last), start == last),
        ("random", "Random rows", "shuffle", random.randint(0, last), False),  # noqa: S311  nothing depends on it
    )
    with st.container(horizontal=True, gap="small", key="other_rows"):
        for name, label, icon, goal, off in goals:
            st.button(
                label,
                icon=f":material/{icon}:",
                type="tertiary",
                disabled=off,
                help=f"Of {plural(of_rows, 'row')}." if name == "random" else None,
                key=f"rows_{name}",
                on_click=st.session_state.__setitem__,
                args=(slot, goal),
            )
