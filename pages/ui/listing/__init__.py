"""One list for every screen that has one: search, filters, sort, pages, what each row offers, and many rows at once.

A screen describes its list as one record (`ListScreen`) and calls `show`. What is shown is in the address; the database
does the searching (`core.platform.db.listing`).
"""

from __future__ import annotations

import time
from itertools import groupby

import streamlit as st

from core.services.platform.listing import Slice, View
from pages.ui import components
from pages.ui.errors import boundary
from pages.ui.format import md, plural
from pages.ui.listing import address, controls, many, menu
from pages.ui.listing.menu import on_its_own as on_its_own
from pages.ui.listing.screen import (
    Changes,
    ListScreen as ListScreen,
    Naming as Naming,
    R,
    Together as Together,
    opener as opener,
)


def show(screen: ListScreen[R]) -> Slice:
    """Draw the list; it is read again while something in it moves. Returns what was read.

    The caller draws an empty state instead where `every` of the result is 0: nothing is drawn then.
    """
    read = screen.look_up(address.view(screen.listing, screen.per_page))
    found = read[0]
    if found.every:
        components.section_gap()
        changes = screen.changes(*read)
        st.fragment(run_every=screen.poll_s if changes == "a row" else None)(_list)(screen, [read], changes)
        if changes == "the list":
            st.fragment(run_every=screen.poll_s)(_watch)(screen, read, _minute(), [True])
    return found


def _watch(screen: ListScreen[R], drawn: tuple[Slice, list[R]], minute: int, first: list[bool]) -> None:
    """Draw the screen again once the list has changed: reading it costs a fraction of drawing it.

    `first` is empty after the full run, which has just read the list.
    """
    if first:
        first.clear()
        return
    with boundary():
        if screen.look_up(address.view(screen.listing, screen.per_page)) != drawn or _minute() != minute:
            st.rerun()


def _minute() -> int:
    """Rows say how long ago something was: that is drawn again every minute."""
    return int(time.time() // 60)


def _list(screen: ListScreen[R], first: list[tuple[Slice, list[R]]], changes: Changes) -> None:
    """The fragment. `first` holds what the full run has read, and is empty afterwards."""
    with st.container(key=f"live_list_{screen.noun}", gap="small"), boundary():
        view = address.view(screen.listing, screen.per_page)
        found, rows = first.pop() if first else screen.look_up(view)
        if screen.changes(found, rows) != changes or not found.every:
            st.rerun()
        components.heading(plural(found.total, screen.title), screen.remark(found) if screen.remark else None)
        controls.toolbar(screen, view, found)
        chosen = many.bar(screen, view, found, [screen.key(row) for row in rows])
        if not rows:
            controls.nothing(screen, view)
        elif screen.cards:
            with st.grid(screen.cards, min_column_width=300):
                for row in rows:
                    _item(screen, row, view, chosen)
        else:
            for number, (title, alike) in enumerate(_groups(screen, view, rows)):
                if title:
                    components.heading(md(title))
                with st.container(border=True, gap=None, key=f"rows_{screen.noun}" + (f"_{number}" if number else "")):
                    for row in alike:
                        _item(screen, row, view, chosen)
        controls.pages(found, screen.per_page)


def _groups(screen: ListScreen[R], view: View, rows: list[R]) -> list[tuple[str, list[R]]]:
    """The rows under their headings; all under none in another order than the first one."""
    if screen.group is None or view.sort not in ("", screen.listing.sorts[0].id):
        return [("", rows)]
    return [(title, list(alike)) for title, alike in groupby(rows, screen.group)]


def _item(screen: ListScreen[R], row: R, view: View, chosen: bool) -> None:
    """One row or card: it can be chosen, it says what it is, and it has a menu."""
    key, card = screen.key(row), bool(screen.cards)
    with st.container(
        horizontal=True,
        wrap=False,
        vertical_alignment="top",
        gap="xsmall",
        border=card,
        height="stretch" if card else "content",
        key=f"item_{key}",
    ):
        if chosen:
            many.mark(screen, key, screen.name(row))
        with st.container(key=f"itemtext_{key}", gap="xsmall", height="stretch" if card else "content"):
            screen.draw(row)
        if not screen.read_only:
            menu.more(screen, row, view.archived)
