"""Errors on a screen: expected ones with their remedy, unexpected ones with an error id and never a traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import BudgetReached, DataError, NotFound, StudioError
from pages.ui import navigation, overrides
from pages.ui.format import sentence

log = logging.getLogger("sft.pages")

UNEXPECTED = "Something went wrong here"
NOT_FOUND = "Not found"
NOT_USABLE = "This can't be used as it is"


@contextmanager
def boundary(way_out: tuple[str, str] | None = None) -> Iterator[None]:
    """Run a page's body and show what it raises as a message.

    `way_out` (screen, label) is offered when the address names something that does not exist.

    Streamlit's control flow (`st.stop`, `st.rerun`) passes through: it does not derive from `Exception`.
    """
    try:
        yield
    except Exception as error:
        show_error(error)
        if way_out and isinstance(error, NotFound):
            screen, label = way_out
            navigation.button(label, screen, icon=":material/arrow_back:", key="way_out")


def show_beside(slots: Mapping[str, DeltaGenerator], error: StudioError) -> bool:
    """Show an error under the field that caused it; returns False if it belongs to none of them."""
    slot = slots.get(error.field or "")
    if slot is not None:
        with slot:
            field_error(error)
    return slot is not None


def field_error(error: StudioError) -> None:
    """The error of the field above, and its remedy."""
    remedy = f" {sentence(error.remedy)}" if error.remedy else ""
    st.markdown(f":red[:small[:material/error: {sentence(error.message)}{remedy}]]")


def show_error(error: Exception) -> None:
    """Show one error: what happened and what to do. An unexpected one is logged with the error id that is shown."""
    if not isinstance(error, StudioError):
        error_id = secrets.token_hex(3)
        log.error("unexpected error %s", error_id, exc_info=error)
        with st.container(border=True, gap="xsmall", key=f"error_{error_id}"):
            st.markdown(f"**:red[:material/error: {UNEXPECTED}]**")
            st.caption(
                f"Error ID: {error_id}. Your saved work is safe. Reload the page; if it happens again, look for the "
                "error ID in the studio's log."
            )
            if st.button("Reload", key=f"reload_{error_id}", icon=":material/refresh:"):
                st.rerun()
        return
    place = f"Line {error.line}" if isinstance(error, DataError) and error.line else ""
    if isinstance(error, NotFound):
        title = NOT_FOUND
    elif isinstance(error, BudgetReached):
        title = "The budget does not cover this"
    elif isinstance(error, DataError):
        title = "The file has an error" if error.line else NOT_USABLE
    else:
        title = "That didn't work"
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**:red[:material/error: {title}{': ' + place if place else ''}]**")
        st.markdown(sentence(error.message))
        if error.remedy:
            st.caption(sentence(error.remedy))
        if isinstance(error, BudgetReached):
            overrides.offer()
