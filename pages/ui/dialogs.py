"""Dialogs whose errors are said as on every screen: what went wrong, to which value, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import streamlit as st

from pages.ui.errors import boundary

P = ParamSpec("P")


def dialog(title: str, **options: Any) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """`st.dialog` with the boundary inside: a dialog runs again by itself, outside of the page's own boundary."""

    def wrap(body: Callable[P, None]) -> Callable[P, None]:
        @st.dialog(title, **options)
        @wraps(body)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            with boundary():
                body(*args, **kwargs)

        return guarded

    return wrap
