"""The parts of every wizard: the header with its steps, and the Back and Continue buttons.

A step is an address (`pages.ui.wizard.address`): Back, Forward, bookmarks and the words of the header lead to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import StudioError
from core.services.platform.drafts import DraftRecord
from pages.ui import components
from pages.ui.errors import show_error
from pages.ui.front_door.response import TO_TOP
from pages.ui.wizard import address, draft_state

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


@dataclass(frozen=True, slots=True)
class Wizard:
    """A wizard of several steps.

    Attributes:
        flow: its name in the keys of elements.
        has_first_draft: whether a draft can be on the first step; otherwise that step creates the draft.
    """

    name: str
    flow: str
    steps: tuple[WizardStep, ...]
    has_first_draft: bool = False

    @property
    def ids(self) -> list[str]:
        return [step.id for step in self.steps]

    def query(self, draft: DraftRecord, step: str) -> dict[str, str]:
        """The query parameters of a step of this draft."""
        return address.query(draft.id, step) if self.has_first_draft or step != self.steps[0].id else {}


def header(
    wizard: Wizard,
    step: str,
    draft: DraftRecord | None = None,
    about: str = "",
    title: str | None = None,
    lead: str | None = None,
) -> None:
    """The page header of a step, with `about` after the step count, and the step header under it.

    Args:
        draft: its completed steps are links; None where no other step can be opened.
        title, lead: replace those of the step where they depend on earlier choices.
    """
    number = wizard.ids.index(step) + 1
    now = wizard.steps[number - 1]
    eyebrow = f"{wizard.name} · step {number} of {len(wizard.steps)}{about}"
    components.page_header(title or now.title, lead or now.lead, eyebrow)
    _steps(wizard, number, draft)
    components.section_gap()


def _steps(wizard: Wizard, now: int, draft: DraftRecord | None) -> None:
    """Step header: one short bar and one short word per step (`now` counts from 1). Never scrolls, never wraps.

    A word may be a pair: the word, and a shorter one for a narrow screen (at most seven letters for six steps).
    A new step is shown from its top, because the button that led to it was at the bottom of the step before.
    """
    slot = f"step_of_{wizard.flow}"
    # Always drawn and never visible: a container that came and went would redraw everything below it.
    with st.container(key="to_top"):
        if st.session_state.get(slot, now) != now:
            _to_top(f"{wizard.flow} {now}")
    st.session_state[slot] = now
    last = address.reached(draft, wizard.ids) + 1 if draft else 0
    with st.grid(len(wizard.steps), min_column_width=48, wrap=False, gap="xsmall", key=f"steps_{wizard.flow}"):
        for number, step in enumerate(wizard.steps, 1):
            goal = wizard.query(draft, step.id) if draft and number <= last and number != now else None
            with st.container(gap="xxsmall"):
                st.progress(1.0 if number <= now else 0.0)
                if isinstance(step.word, str):
                    _step_word(step.word, number == now, goal, f"go_{wizard.flow}_{number}")
                    continue
                for width, word in zip(("wide", "narrow"), step.word, strict=True):
                    with st.container(key=f"{width}_{wizard.flow}_{number}"):
                        _step_word(word, number == now, goal, f"go_{width}_{wizard.flow}_{number}")


def _to_top(mark: str) -> None:
    """Scroll to the top once; another `mark` makes it a new element, which runs again."""
    st.html(f'<i hidden data-mark="{mark}"></i><script>{TO_TOP}</script>', unsafe_allow_javascript=True)


def _step_word(word: str, current: bool, goal: dict[str, str] | None, key: str) -> None:
    """The word of a step; a button where the step can be opened. A link to the same screen would not be an entry of
    the browser's history."""
    if goal is None:
        st.markdown(f":small[{f'**{word}**' if current else f':gray[{word}]'}]", wrap=False)
    elif st.button(word, type="tertiary", key=key):
        st.query_params.from_dict(goal)
        st.rerun()


def foot(alone: bool = False) -> DeltaGenerator:
    """The row of buttons under a step, always in sight (studio.css); `alone`: one button, at the right."""
    return st.container(
        horizontal=True,
        horizontal_alignment="right" if alone else "distribute",
        vertical_alignment="center",
        key="wizard_foot",
    )


def footer(
    wizard: Wizard,
    step: str,
    draft: DraftRecord,
    ready: bool,
    finish: Callable[[DraftRecord, bool], StudioError | None],
) -> None:
    """The buttons under a step: back, and on to the next step.

    Args:
        ready: whether the step is complete.
        finish: draws the button of the last step and returns why it could not start.
    """
    if not ready:
        address.only_up_to(draft, step, wizard.ids)
    problem = None
    ids = wizard.ids
    index = ids.index(step)
    onward = wizard.steps[index].onward
    with foot():
        # The second press of a double click falls on the next step: it must not skip it.
        here = draft_state.meant(draft, step)
        if index and st.button("Back", type="tertiary", icon=":material/arrow_back:", key="back") and here:
            st.query_params.from_dict(wizard.query(draft, ids[index - 1]))
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
            address.onward(draft, ids[index + 1], ids)
    if problem:
        show_error(problem)
