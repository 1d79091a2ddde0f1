"""What a list shows is in the address, so that a reload, a link and the browser's Back keep it.

The address is the truth: a control writes its value there, and takes it from there when it is drawn.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import streamlit as st

from core import arguments
from core.services.platform.listing import LONGEST_SEARCH, Listing, View

SEARCH, SORT, PAGE, ARCHIVED = "q", "sort", "page", "archived"
_NUMBERS: Final = 9  # digits of a page number that are read


def view(listing: Listing, per_page: int) -> View:
    """What the address asks for; what it cannot mean is left out."""
    ask = st.query_params
    page = 1
    with suppress(ValueError):
        page = int(ask.get(PAGE, "1")[:_NUMBERS])
    return View(
        search=arguments.whole(ask.get(SEARCH, ""))[:LONGEST_SEARCH],
        sort=listing.sort(ask.get(SORT, "")).id,
        chosen={one.id: arguments.whole(ask[one.id]) for one in listing.filters if ask.get(one.id)},
        archived=ask.get(ARCHIVED) == "yes",
        page=max(1, page),
        per_page=per_page,
    )


def bound(name: str, value: object, default: str = "") -> dict[str, Any]:
    """The options of a control that shows `value` of the address, and writes a change of it there.

    Its state is set only where it differs: setting it at every poll would undo what is being typed.
    """
    control = unbound(name, default)
    if control["key"] not in st.session_state or st.session_state[control["key"]] != value:
        st.session_state[control["key"]] = value
    return control


def unbound(name: str, default: str = "") -> dict[str, Any]:
    """The same for a control that takes its value as an argument."""
    key = f"list_{name}"
    return {"key": key, "on_change": _write, "args": (name, key, default)}


def _write(name: str, key: str, default: str) -> None:
    value = st.session_state[key]
    text = "yes" if value is True else "" if value in (False, None, 1) else str(value)
    _set(name, "" if text == default else text)
    if name != PAGE:
        _set(PAGE, "")  # another list begins with its first page


def _set(name: str, text: str) -> None:
    if text:
        st.query_params[name] = text
    else:
        st.query_params.pop(name, None)


def clear(listing: Listing) -> None:
    """Show everything again."""
    for name in (SEARCH, PAGE, *(one.id for one in listing.filters)):
        _set(name, "")
