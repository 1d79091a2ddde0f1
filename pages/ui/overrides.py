"""Paid work from a screen: started under the name of its person, and beyond a budget only with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from core.errors import BudgetReached
from core.services.platform import budgets
from pages.ui import person

_REASON: Final = "budget_reason"  # entered, and used for the next start
_REFUSED: Final = "budget_refused"  # the button whose start a budget refused
_FIELD: Final = "budget_reason_field"


@contextmanager
def start(button: str = "") -> Iterator[None]:
    """What is started inside is recorded under the person of this browser; a reason that they entered is used once.

    Args:
        button: the key of the button that starts it, which is pressed again once a reason is entered (`pressed`).
    """
    try:
        with budgets.acting(person.name(), st.session_state.get(_REASON, "")):
            yield
    except BudgetReached:
        st.session_state[_REFUSED] = button
        raise
    finally:
        st.session_state.pop(_REASON, None)


def pressed(clicked: bool, button: str) -> bool:
    """Whether a button was pressed: just now, or before its start was refused for a budget and a reason was entered."""
    return bool(st.session_state.pop(_again(button), False)) or clicked


def offer() -> None:
    """Under the error that a budget was reached: a field for the reason to start all the same."""
    button = st.session_state.get(_REFUSED, "")
    with st.form("budget_override", border=False):
        st.text_area(
            "Reason to exceed the budget",
            key=_FIELD,
            max_chars=1_000,
            height=80,
            help="It is recorded with your name and the time, and listed under Spending.",
        )
        label = "Start all the same" if button else "Use this reason"
        st.form_submit_button(label, icon=":material/lock_open:", on_click=_accept, args=(button,), key="budget_accept")


def _accept(button: str) -> None:
    reason = str(st.session_state.get(_FIELD) or "").strip()
    if not reason:
        st.toast("Enter a reason first.", icon=":material/edit:")
        return
    st.session_state[_REASON] = reason
    if button:
        st.session_state[_again(button)] = True
    else:
        st.toast("Press the button again: your reason is used for the next start.", icon=":material/lock_open:")


def _again(button: str) -> str:
    return f"budget_again_{button}"
