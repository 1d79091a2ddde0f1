"""Many rows of a list at once: chosen on this page or all that match, then archived or restored."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.platform.listing import Slice, View, matching
from pages.ui.errors import boundary
from pages.ui.format import md, plural
from pages.ui.listing.screen import ListScreen, R


def switch(screen: ListScreen[R]) -> None:
    """Turns the choosing of rows on and off."""
    st.toggle("Select", key=f"choosing_{screen.noun}", on_change=_clear, args=(screen.noun,))


def bar(screen: ListScreen[R], view: View, found: Slice, shown: Sequence[str]) -> bool:
    """What can be done with the chosen rows; False while none can be chosen."""
    if not st.session_state.get(f"choosing_{screen.noun}"):
        return False
    chosen = _chosen(screen.noun)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="list_many"):
        st.markdown(f"**{len(chosen):,} selected**", width="content")
        st.button("All on this page", key="many_page", type="tertiary", on_click=chosen.update, args=(shown,))
        if found.total > len(shown):
            st.button(
                f"All {found.total:,}", key="many_all", type="tertiary", on_click=_choose_all, args=(screen, view)
            )
        st.button("None", key="many_none", type="tertiary", on_click=chosen.clear, disabled=not chosen)
        label, icon = ("Restore", "unarchive") if view.archived else ("Archive", "inventory_2")
        st.button(
            label,
            icon=f":material/{icon}:",
            key="many_archive",
            disabled=not chosen,
            on_click=_act,
            args=(screen, view.archived),
        )
        if screen.together:
            st.caption(screen.together.note, width="content")
    return True


def mark(screen: ListScreen[R], key: str, name: str) -> None:
    """The box that chooses one row."""
    box, chosen = f"mark_{key}", key in _chosen(screen.noun)
    if st.session_state.get(box) != chosen:
        st.session_state[box] = chosen
    st.checkbox(
        f"Select {md(name)}",
        key=box,
        label_visibility="collapsed",
        width="content",
        on_change=_toggle,
        args=(screen.noun, key, box),
    )


def _chosen(noun: str) -> set[str]:
    ids: set[str] = st.session_state.setdefault(f"chosen_{noun}", set())
    return ids


def _toggle(noun: str, key: str, box: str) -> None:
    (_chosen(noun).add if st.session_state[box] else _chosen(noun).discard)(key)


def _clear(noun: str) -> None:
    _chosen(noun).clear()


def _choose_all(screen: ListScreen[R], view: View) -> None:
    with boundary():
        _chosen(screen.noun).update(matching(screen.listing, view))


def _act(screen: ListScreen[R], archived: bool) -> None:
    chosen = _chosen(screen.noun)
    with boundary():
        by = screen.together or screen
        count = (by.restore if archived else by.archive)(sorted(chosen))
        verb = "restored" if archived else "archived"
        rest = len(chosen) - count
        st.toast(
            f"{plural(count, screen.title)} {verb}" + (f"; {rest:,} not: only what has ended can be" if rest else ""),
            icon=":material/unarchive:" if archived else ":material/inventory_2:",
        )
        chosen.clear()
