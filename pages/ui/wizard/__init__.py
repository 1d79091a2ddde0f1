"""The foot of a wizard's step: the way back, and on once the step is complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.errors import StudioError
from core.services.platform.drafts import DraftRecord
from pages.ui.errors import show_error


def steps(names: Sequence[str | tuple[str, str]], now: int, flow: str) -> None:
    """Step header: one short bar and one short word per step (`now` counts from 1). Never scrolls, never wraps.

    A name may be a pair: the word, and a shorter one for a narrow screen (at most seven letters for six steps).
    A step begins at its top: the button that led to it stood at the foot of the one before.
    """
    slot = f"step_of_{flow}"
    # The place is always there and never seen: one that came and went would move all that follows, and show it twice.
    with st.container(key="to_top"):
        if st.session_state.get(slot, now) != now:
            _to_top(f"{flow} {now}")
    st.session_state[slot] = now
    with st.grid(len(names), min_column_width=48, wrap=False, gap="xsmall", key=f"steps_{flow}"):
        for number, name in enumerate(names, 1):
            with st.container(gap="xxsmall"):
                st.progress(1.0 if number <= now else 0.0)
                if isinstance(name, str):
                    _step_word(name, number == now)
                    continue
                for width, word in zip(("wide", "narrow"), name, strict=True):
                    with st.container(key=f"{width}_{flow}_{number}"):
                        _step_word(word, number == now)


def _to_top(mark: str) -> None:
    """Scroll to the top once; another `mark` makes it another element, which runs again."""
    script = f"document.querySelector('[data-testid=stMain]')?.scrollTo(0, 0); // {mark}"
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def _step_word(word: str, current: bool) -> None:
    st.markdown(f":small[{f'**{word}**' if current else f':gray[{word}]'}]", wrap=False)


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
