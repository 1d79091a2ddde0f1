"""The parts of every wizard: the header with its steps, and the Back and Continue buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import StudioError
from core.services.platform.drafts import DraftRecord
from pages.ui import components
from pages.ui.errors import show_error
from pages.ui.front_door.response import TO_TOP
from pages.ui.wizard import draft_state

ONWARD_KEYS = "Ctrl+Enter"  # on to the next step, or launch


@dataclass(frozen=True, slots=True)
class WizardStep:
    """One step of a wizard.

    Attributes:
        id: its name in the draft.
        word: its name in the step header, or a pair with a shorter one for narrow screens.
        onward: the label of the button to the next step; "" on the last step, which has a separate button.
    """

    id: str
    word: str | tuple[str, str]
    title: str
    lead: str
    onward: str


def steps(names: Sequence[str | tuple[str, str]], now: int, flow: str) -> None:
    """Step header: one short bar and one short word per step (`now` counts from 1). Never scrolls, never wraps.

    A name may be a pair: the word, and a shorter one for a narrow screen (at most seven letters for six steps).
    A new step is shown from its top, because the button that led to it was at the bottom of the step before.
    """
    slot = f"step_of_{flow}"
    # Always drawn and never visible: a container that came and went would redraw everything below it.
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
    """Scroll to the top once; another `mark` makes it a new element, which runs again."""
    st.html(f'<i hidden data-mark="{mark}"></i><script>{TO_TOP}</script>', unsafe_allow_javascript=True)


def _step_word(word: str, current: bool) -> None:
    st.markdown(f":small[{f'**{word}**' if current else f':gray[{word}]'}]", wrap=False)


def header(
    name: str,
    flow: str,
    all_steps: Sequence[WizardStep],
    number: int,
    about: str = "",
    title: str | None = None,
    lead: str | None = None,
) -> None:
    """The page header of step `number` (from 1), with `about` after the step count, and the step header under it.

    `title` and `lead` replace those of the step where they depend on earlier choices.
    """
    step = all_steps[number - 1]
    eyebrow = f"{name} · step {number} of {len(all_steps)}{about}"
    components.page_header(title or step.title, lead or step.lead, eyebrow)
    steps([item.word for item in all_steps], number, flow)
    components.section_gap()


def footer(
    draft: DraftRecord,
    all_steps: Sequence[WizardStep],
    number: int,
    ready: bool,
    finish: Callable[[DraftRecord, bool], StudioError | None],
) -> None:
    """The buttons under step `number` (from 1): back, and on to the next step.

    Args:
        ready: whether the step is complete.
        finish: draws the button of the last step and returns why it could not start.
    """
    st.divider()
    problem = None
    onward = all_steps[number - 1].onward
    with components.spread():
        # The second press of a double click falls on the next step: it must not skip it.
        here = draft_state.meant(draft, all_steps[number - 1].id)
        if st.button("Back", type="tertiary", icon=":material/arrow_back:", key="back") and here:
            if number == 2:
                st.query_params.clear()
            else:
                draft_state.save(draft, step=all_steps[number - 2].id)
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
                shortcut=ONWARD_KEYS,
                key="onward",
            )
            and here
        ):
            draft_state.save(draft, step=all_steps[number].id)
            st.rerun()
    if problem:
        show_error(problem)
