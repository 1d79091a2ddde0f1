"""A wizard's draft in two windows: what one saves is not lost, nor hidden, in the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.platform import drafts
from core.services.platform.drafts import DraftRecord

SCRIPT = """
import streamlit as st
from pages.ui.errors import boundary
from pages.ui.wizard import draft_state

with boundary():
    draft = draft_state.load(st.query_params["draft"])
    st.caption(draft_state.key(draft, "name"))
    st.caption(f"meant here: {draft_state.meant(draft, draft.step)}; seen: {draft_state.seen(draft)}")
    if st.button("Save", key="save"):
        draft_state.save(draft, name="from this window")
    if st.button("Next", key="next"):
        draft_state.save(draft, step="two")
    draft_state.drawn(draft, draft.step)
"""


@pytest.fixture
def draft(studio_env: Path) -> DraftRecord:
    return drafts.create("job", {"name": "first"}, step="one")


def window(draft: DraftRecord) -> AppTest:
    app = AppTest.from_string(SCRIPT)
    app.query_params["draft"] = draft.id
    app.run()
    assert not app.exception
    return app


def test_what_is_saved_here_keeps_the_widgets(draft: DraftRecord) -> None:
    app = window(draft)
    key = app.caption[0].value
    app.button(key="save").click().run()
    assert drafts.get(draft.id).state["name"] == "from this window"
    app.run()
    assert app.caption[0].value == key
    assert not app.toast


def test_a_change_in_another_window_renews_the_widgets_and_is_announced(draft: DraftRecord) -> None:
    app = window(draft)
    key = app.caption[0].value
    drafts.update(draft.id, draft.revision, {"name": "from the other window"})
    app.run()
    assert app.caption[0].value != key
    assert len(app.toast) == 1


def test_saving_what_is_saved_already_writes_nothing(draft: DraftRecord) -> None:
    app = window(draft)
    app.button(key="save").click().run()
    revision = drafts.get(draft.id).revision
    app.button(key="save").click().run()
    assert drafts.get(draft.id).revision == revision


def test_a_press_made_on_the_step_before_is_not_meant_for_this_one(draft: DraftRecord) -> None:
    app = window(draft)
    assert "meant here: True" in app.caption[1].value
    drafts.update(draft.id, draft.revision, {}, "two")  # another window went on
    app.run()
    assert "meant here: False; seen: False" in app.caption[1].value
    app.run()
    assert "meant here: True; seen: True" in app.caption[1].value
