"""The menu of one row, or of one thing on its own screen: rename, archive or restore, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import streamlit as st

from pages.ui.dialogs import dialog
from pages.ui.errors import boundary
from pages.ui.format import md
from pages.ui.listing.screen import ListScreen, Naming, R

_ICONS: Final = {
    "Rename": ":material/edit:",
    "Archive": ":material/inventory_2:",
    "Restore": ":material/unarchive:",
    "Delete": ":material/delete:",
}


def more(screen: ListScreen[R], row: R, archived: bool) -> None:
    """The menu at the end of a row of what is archived, or is not; none where the row offers nothing."""
    allowed = archived or screen.ended(row)
    _menu(screen, screen.changes_id(row), screen.name(row), archived, can_archive=allowed, after=st.rerun)


def on_its_own(
    screen: ListScreen[R],
    key: str,
    name: str,
    *,
    archived: bool,
    gone: Callable[[], object],
    can_archive: bool = True,
) -> None:
    """The same menu on the screen of one thing; `gone` leaves that screen after a deletion."""
    _menu(screen, key, name, archived, can_archive=can_archive, after=gone, kind="secondary")


def _menu(
    screen: ListScreen[R],
    key: str,
    name: str,
    archived: bool,
    *,
    can_archive: bool,
    after: Callable[[], object],
    kind: Literal["secondary", "tertiary"] = "tertiary",
) -> None:
    shelf = "Restore" if archived else "Archive"
    offered = [shelf] if can_archive else []
    if screen.naming:
        offered = ["Rename", *offered, "Delete"]
    if not offered:
        return
    hit = st.menu_button(
        f"More for {md(name, 60)}",
        offered,
        format_func=lambda word: f"{_ICONS[word]} {word}",
        icon=":material/more_vert:",
        type=kind,
        key=f"rowmenu_{key}",
    )
    if hit == shelf:
        with boundary():
            (screen.restore if archived else screen.archive)([key])
            st.toast(f"“{md(name, 60)}” {'restored' if archived else 'archived'}", icon=_ICONS[shelf])
            st.rerun()
    elif screen.naming and hit == "Rename":
        rename_dialog(screen.title, screen.naming, key, name)
    elif screen.naming and hit == "Delete":
        delete_dialog(screen.title, screen.naming, key, name, after)


@dialog("Rename", icon=":material/edit:")
def rename_dialog(title: str, naming: Naming, key: str, name: str) -> None:
    typed = st.text_input(f"Name of the {title}", name, max_chars=naming.longest, key="rename_to")
    if st.button("Rename", type="primary", key="rename", disabled=not typed.strip(), width="stretch"):
        naming.rename(key, typed)
        st.rerun()


@dialog("Delete permanently?", icon=":material/delete:")
def delete_dialog(title: str, naming: Naming, key: str, name: str, after: Callable[[], object]) -> None:
    found = naming.dependents(key)
    st.markdown(f"The {title} **{md(name)}** will be deleted with its files. This cannot be undone.")
    with st.container(border=True, gap="xxsmall", key="dependents"):
        st.markdown(md(found.text))
        agents = ("smart_toy", found.agents)
        for icon, names in (
            agents,
            ("monitoring", found.jobs),
            ("deployed_code", found.models),
            ("dataset", found.datasets),
        ):
            for one in names[:10]:
                st.caption(f":material/{icon}: {md(one)}")
    typed = st.text_input(
        "Type its name to delete it", key="confirm_name", disabled=bool(found.unfinished or found.agents)
    )
    if st.button("Delete", type="primary", disabled=typed.strip() != name, key="confirm_delete", width="stretch"):
        naming.delete(key, typed)
        after()
