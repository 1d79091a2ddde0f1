"""The page numbers under a list, which may become shorter while its last page is open."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.elements.lib import policies
from streamlit.testing.v1 import AppTest


def _list(count: int) -> None:
    import streamlit as st

    from pages.ui import components

    total = int(st.number_input("Items", value=count, key="total"))
    st.text(",".join(map(str, components.page_of(range(total), 10, "page_list"))))
    components.pages(total, 10, "page_list")


def _page(app: AppTest) -> Any:
    (found,) = app.get("pagination")
    return found


def test_a_shorter_list_shows_its_last_page_and_the_log_has_no_warning(
    studio_env: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)  # Streamlit warns once per process
    monkeypatch.setattr(policies._LOGGER, "warning", lambda text, *args: warnings.append(text))
    app = AppTest.from_function(_list, kwargs={"count": 45}).run()
    _page(app).set_value(5).run()
    assert app.text[0].value == "40,41,42,43,44"
    app.number_input(key="total").set_value(25).run()
    assert app.text[0].value == "20,21,22,23,24"
    assert _page(app).value == 3
    assert not warnings
