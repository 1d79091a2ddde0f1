"""The controls of a list: search, filters with their counts, sort, archived or not, and the pages."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.services.platform.listing import Facet, Slice, View
from pages.ui.format import md
from pages.ui.listing import address, many
from pages.ui.listing.screen import ListScreen, R


def toolbar(screen: ListScreen[R], view: View, found: Slice) -> None:
    """One row of controls, from the first item on; it wraps on a narrow screen."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="list_controls"):
        st.text_input(
            f"Search {screen.title}s",
            placeholder=f"Search {screen.title}s",
            type="search",
            live=True,
            label_visibility="collapsed",
            width=190,
            **address.bound(address.SEARCH, view.search),
        )
        for one in screen.listing.filters:
            _filter(screen, one, view, found.counts[one.id])
        sorts = {sort.id: sort.title for sort in screen.listing.sorts}
        st.selectbox(
            "Sort",
            list(sorts),
            format_func=sorts.__getitem__,
            label_visibility="collapsed",
            width=170,
            **address.bound(address.SORT, view.sort, default=next(iter(sorts))),
        )
        if found.archived or view.archived:
            st.toggle(f"Archived ({found.archived})", **address.bound(address.ARCHIVED, view.archived))
        if not screen.read_only:
            many.switch(screen)


def _filter(screen: ListScreen[R], one: Facet, view: View, counts: Mapping[str, int]) -> None:
    chosen = view.chosen.get(one.id, "")
    word = screen.words.get(one.id, one.word)
    titles = {"": f"Any {one.title.lower()}"}
    titles |= {value: f"{word(value)} ({counts[value]})" for value in sorted(counts, key=word)}
    titles.setdefault(chosen, f"{word(chosen)} (0)")
    st.selectbox(
        one.title,
        list(titles),
        format_func=titles.__getitem__,
        label_visibility="collapsed",
        width=135,
        **address.bound(one.id, chosen),
    )


def nothing(screen: ListScreen[R], view: View) -> None:
    """What is said where no row matches, and the way back to all of them."""
    with st.container(border=True, gap="xsmall", horizontal_alignment="center", key="list_nothing"):
        if view.search or view.chosen:
            looked = f" for “{md(view.search)}”" if view.search else ""
            st.markdown(f"No {screen.title} matches{looked}.", width="content")
            st.button("Show all", key="list_all", on_click=address.clear, args=(screen.listing,))
        elif view.archived:
            st.markdown(f"No {screen.title} is archived.", width="content")
        else:
            st.markdown(f"All {screen.title}s are archived. Turn on *Archived* to see them.", width="content")


def pages(found: Slice, per_page: int) -> None:
    """The page numbers; they are there from the first page on."""
    with st.container(horizontal_alignment="center"):  # side by side, it is too narrow for the numbers
        st.pagination(max(1, -(-found.total // per_page)), default=found.page, **address.unbound(address.PAGE))
