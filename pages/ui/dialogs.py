"""Dialogs that show errors the way every screen does."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import streamlit as st

from pages.ui.errors import boundary

P = ParamSpec("P")


def dialog(title: str, **options: Any) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """`st.dialog` with an error boundary inside: a dialog reruns separately, outside the page's boundary."""

    def wrap(body: Callable[P, None]) -> Callable[P, None]:
        @st.dialog(title, **options)
        @wraps(body)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            with boundary():
                body(*args, **kwargs)

        return guarded

    return wrap
