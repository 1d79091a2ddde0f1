"""Single rows of a run: the examples with what to check in them, or why there are none."""

from __future__ import annotations

import streamlit as st

from core.services.data import smart
from core.services.data.smart import CLEAN, TO_CHECK, RowResult, SmartProgress, SmartRowRecord
from pages.ui import components
from pages.ui.examples import example_view
from pages.ui.format import md, number, plural, sentence, usd

PAGE = 10
POLL_S = 3.0
STATES = {
    "clean": ("Ready", "green", "check_circle"),
    "to_check": ("Needs a look", "orange", "visibility"),
    "failed": ("Failed", "red", "error"),
    "empty": ("Empty", "gray", "do_not_disturb_on"),
    "duplicate": ("Duplicate", "orange", "content_copy"),
}
_MEANING = {
    "clean": "Rows from which examples were written.",
    "to_check": "Rows with an example to check: a number or a name that does not appear in the row, or a text that may "
    "end early. The examples are in the dataset.",
    "failed": "The model returned no usable answer. These rows are not in the dataset.",
    "empty": "Rows whose chosen columns are empty. No request was sent.",
    "duplicate": "Rows whose examples another row already produced; each example is stored once.",
}


def row_card(row: RowResult | SmartRowRecord, key: str) -> None:
    """One row: its state, its examples, what to check, and its tokens and cost."""
    word, color, icon = STATES.get(_shown(row), (row.state, "gray", "help"))
    with st.container(border=True, gap="xsmall", key=f"row_{key}"):
        with components.spread():
            st.caption(f"Line {number(row.line)}", width="content")
            st.markdown(f":small[{components.badge_md(word, color, icon)}]", width="content")
        if row.reason:
            st.markdown(sentence(row.reason))
        for index, example in components.divided(enumerate(row.examples)):
            example_view.conversation(example.messages, key=f"{key}_{index}")
            for flag in example.flags:
                st.markdown(f":orange[:small[:material/visibility: {md(flag.message)}]]")
        usage = [f"{number(row.prompt_tokens)} tokens in, {number(row.completion_tokens)} out"]
        if row.cost_usd:
            usage.append(usd(row.cost_usd))
        if row.attempts > 1:
            usage.append(plural(row.attempts, "attempt"))
        if row.prompt_tokens or row.completion_tokens:
            st.caption(" · ".join(usage))


def _shown(row: RowResult) -> str:
    """The state on the screen: no row is *Ready* that has something to check."""
    if row.state != "ok":
        return row.state
    return TO_CHECK if any(example.flags for example in row.examples) else CLEAN


def live_rows(task_id: str, active: bool) -> None:
    """The rows by state, refreshed while the run is active."""
    st.fragment(_rows, run_every=POLL_S if active else None)(task_id)


def _rows(task_id: str) -> None:
    with st.container(gap="small", key=f"live_rows_{task_id}"):
        rows_by_state(task_id, smart.progress(task_id))


def rows_by_state(task_id: str, progress: SmartProgress) -> None:
    """The rows of one state, paged; starts with the failed ones when there are any."""
    counts = {state: getattr(progress, state) for state in STATES}
    components.heading("Rows", f"{number(progress.done)} of {number(progress.rows)} done")
    shown = [state for state, count in counts.items() if count]
    if not shown:
        st.caption("Each row appears here as soon as it is done.")
        return
    titles = {state: f"{STATES[state][0]} {number(counts[state])}" for state in shown}
    first = "failed" if counts["failed"] else None
    state = components.switch("State", titles, f"rows_state_{task_id}", first)
    st.caption(_MEANING[state])
    pages = -(-counts[state] // PAGE)
    slot = st.container(gap="small")
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=f"rows_page_{task_id}_{state}") or 1
    with slot, st.grid(2, min_column_width=320):
        for row in smart.rows(task_id, state=state, offset=(page - 1) * PAGE, limit=PAGE):
            row_card(row, f"{task_id}_{row.line}")
