"""The marks of models that their providers switch off: a line under a model, a badge on a card, words in a choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import streamlit as st

from core.services.serving import shutdowns
from core.services.serving.shutdowns import ShutdownRecord
from pages.ui import components, navigation
from pages.ui.format import md, plural

V = TypeVar("V")
F = TypeVar("F")
_DATES: Final = "_dark_soon_dates"
SOON: Final = 90  # days; before that, a date is gray
LAST: Final = 7  # days; from then on it is red


def mark(model_id: str, key: str) -> None:
    """Draw the line under a model, with a link to the calendar; nothing for a model without a date.

    Args:
        model_id: of a model behind a connection, or tuned at a provider.
    """
    record = shutdowns.of_models([model_id]).get(model_id)
    if record is None:
        return
    left = "" if record.is_off else f", in {plural(record.days_left, 'day')}"
    with st.container(key=f"dark_soon_{key}"):
        st.page_link(
            navigation.page_file("shutdowns"),
            label=f":{color(record)}[{md(record.model)} is {md(words(record))}{left}]",
            icon=":material/event_busy:",
        )


def words(record: ShutdownRecord) -> str:
    """`dark from 2027-02-01`, `off since 2026-10-23`: plain text."""
    return f"{'off since' if record.is_off else 'dark from'} {record.shutdown_on}"


def color(record: ShutdownRecord) -> str:
    """How urgent it is."""
    return "red" if record.days_left <= LAST else "orange" if record.days_left <= SOON else "gray"


def in_choice(titles: Mapping[str, str]) -> dict[str, str]:
    """The titles of models to choose from, by their ids, with the date of those that go dark."""
    dates = shutdowns.of_models(titles)
    return {name: title + (f" · {words(dates[name])}" if name in dates else "") for name, title in titles.items()}


def with_dates(look_up: Callable[[V], F]) -> Callable[[V], F]:
    """`look_up` of a list whose cards have a `badge_md`: reads the dates once for all of them."""

    def reading(view: V) -> F:
        st.session_state[_DATES] = shutdowns.in_use()
        return look_up(view)

    return reading


def badge_md(used_id: str) -> str:
    """The badge of a tuned model, an agent or an evaluation in a list; "" if no model of it goes dark."""
    record = st.session_state.get(_DATES, {}).get(used_id)
    return "" if record is None else components.badge_md(md(words(record)), color(record), "event_busy")
