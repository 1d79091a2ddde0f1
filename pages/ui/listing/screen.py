"""The record that describes a list, and the link that opens one of its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, Generic, Literal, TypeVar

import streamlit as st

from core.services.platform.dependents import Dependents
from core.services.platform.listing import Listing, Slice, View
from pages.ui import navigation
from pages.ui.format import md

R = TypeVar("R")
Changes = Literal["a row", "the list", ""]
_WAITING: Final = frozenset({"pending", "queued", "paused"})  # what these rows say changes with other rows only


@dataclass(frozen=True, slots=True)
class Naming:
    """What can be done with one thing that has a name: each takes its id first."""

    rename: Callable[[str, str], Any]
    dependents: Callable[[str], Dependents]
    delete: Callable[[str, str], None]  # the second one is the name, typed
    longest: int  # characters of a name


@dataclass(frozen=True, slots=True)
class Together:
    """Archives and restores rows with several entries each; both return how many rows changed."""

    archive: Callable[[Sequence[str]], int]
    restore: Callable[[Sequence[str]], int]
    note: str


@dataclass(frozen=True, slots=True)
class ListScreen(Generic[R]):
    """A list as its screen describes it.

    Args:
        noun: what one row is, such as `dataset`; part of keys.
        listing: what can be searched, filtered and sorted.
        look_up: reads one page.
        draw: draws one row, or the inside of one card, with `opener` as its title.
        archive, restore: for any number of ids; return how many changed.
        title: the noun on the screen, where that is another one.
        naming: how one is renamed and deleted, where that is possible.
        words: the words for the values of a filter, by its id, where the screens have their own.
        cards: the number of cards side by side; 0 draws rows in one card.
        remark: what the heading says at its right, about the rows that are shown.
        ended: whether a row can be archived.
        moving: values of the filter `state` while which the list is read again every `poll_s` seconds.
        state: the state of a row, for a list with `moving`.
        changes_id: the id that the menu of a row changes, where the row stands for several things.
        read_only: rows are only opened: neither chosen nor archived.
        group: the heading over a row in the first order of the list; it is drawn over the first of several.
        together: how rows are archived and restored where each stands for several things, and what is said about it.
    """

    noun: str
    listing: Listing
    look_up: Callable[[View], tuple[Slice, list[R]]]
    draw: Callable[[R], None]
    archive: Callable[[Sequence[str]], int]
    restore: Callable[[Sequence[str]], int]
    title: str
    naming: Naming | None = None
    words: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    cards: int = 0
    per_page: int = 24
    remark: Callable[[Slice], str] | None = None
    ended: Callable[[R], bool] = lambda _: True
    moving: Collection[str] = ()
    poll_s: float = 2.5
    state: Callable[[R], str] = attrgetter("state")
    key: Callable[[R], str] = attrgetter("id")
    name: Callable[[R], str] = attrgetter("name")
    changes_id: Callable[[R], str] = attrgetter("id")
    together: Together | None = None
    read_only: bool = False
    group: Callable[[R], str] | None = None

    def changes(self, found: Slice, rows: Sequence[R]) -> Changes:
        """What may change by itself: a row that is shown, at every moment; something in this list; nothing."""
        if not self.moving:
            return ""
        if any(self.state(row) in self.moving and self.state(row) not in _WAITING for row in rows):
            return "a row"
        return "the list" if any(state in self.moving for state in found.counts.get("state", ())) else ""


def opener(key: str, name: str, screen: str, query: Mapping[str, str], *, here: bool = False, icon: str = "") -> None:
    """The name of a row as a link that opens it; the row as a whole is its target (studio.css).

    Args:
        here: the link leads to another address of the same screen. `st.page_link` would leave the address as it is
            then, and a reload would lose what was opened.
    """
    label = f"**{md(name)}**"
    with st.container(key=f"opens_{key}", gap=None):
        if here:
            if st.button(label, type="tertiary", key=f"open_{key}", icon=icon or None):
                navigation.go(screen, query)
        else:
            st.page_link(navigation.page_file(screen), label=label, icon=icon or None, query_params=dict(query))
