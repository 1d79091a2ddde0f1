"""The foot of a wizard's step: the way back, and on once the step is complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.errors import StudioError
from core.services.platform.drafts import DraftRecord
from pages.ui.boundary import show_error


def footer(
    draft: DraftRecord,
    number: int,
    ready: bool,
    *,
    ids: Sequence[str],
    onward: str,
    meant: Callable[[DraftRecord, str], bool],
    save: Callable[..., Any],
    finish: Callable[[DraftRecord, bool], StudioError | None],
    shortcut: str | None = None,
) -> None:
    """Draw it under step `number` (from 1).

    Args:
        ready: whether the step is complete.
        ids: of all steps; the first has no draft yet.
        onward: what the button to the next step says; "" on the last step, where `finish` draws its own.
        meant: whether a press was meant for this step: a second press of a double click falls on the next one.
        save: keeps the draft with another step.
        finish: draws the last button; gives why it could not begin.
        shortcut: of the button to the next step.
    """
    st.divider()
    problem = None
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        here = meant(draft, ids[number - 1])
        if st.button("Back", type="tertiary", icon=":material/arrow_back:", key="back") and here:
            if number == 2:
                st.query_params.clear()
            else:
                save(draft, step=ids[number - 2])
            st.rerun()
        if not onward:
            problem = finish(draft, ready)
        elif (
            st.button(
                onward,
                type="primary",
                icon=":material/arrow_forward:",
                icon_position="right",
                disabled=not ready,
                shortcut=shortcut,
                key="onward",
            )
            and here
        ):
            save(draft, step=ids[number])
            st.rerun()
    if problem:
        show_error(problem)
