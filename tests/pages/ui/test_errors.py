"""Errors on a screen: what happened and what to do, never a traceback."""

from __future__ import annotations

import logging

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.errors import UNEXPECTED


def run(script: str) -> AppTest:
    """A script inside the error boundary, under Streamlit."""
    imports = (
        "import streamlit as st\n"
        "from core.errors import Conflict, DataError, NotFound\n"
        "from pages.ui.errors import boundary, show_beside\n"
    )
    app = AppTest.from_string(imports + script, default_timeout=30).run()
    assert not app.exception, "Streamlit shows a traceback"
    return app


def text(app: AppTest) -> str:
    return "\n".join(item.value for kind in ("markdown", "caption") for item in app.get(kind))


def test_an_unexpected_error_shows_an_id_that_the_log_has_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="sft.pages"):
        app = run("with boundary():\n    {}['secret detail']\nst.caption('the rest of the page')")
    shown = text(app)
    assert UNEXPECTED in shown
    assert "the rest of the page" in shown
    assert "secret detail" not in shown
    assert "Traceback" not in shown
    (record,) = caplog.records
    assert str(record.args[0]) in shown
    assert record.exc_info
    assert record.exc_info[0] is KeyError


def test_an_expected_error_shows_its_message_and_its_remedy() -> None:
    shown = text(run("with boundary():\n    raise Conflict('The name is taken.', 'Choose another name.')"))
    assert "The name is taken" in shown
    assert "Choose another name" in shown
    assert UNEXPECTED not in shown


def test_an_error_of_a_file_names_its_line() -> None:
    shown = text(run("with boundary():\n    raise DataError('`answer` is empty.', 'Fill it in.', line=17)"))
    assert "Line 17" in shown
    assert "`answer`" in shown


def test_what_a_person_wrote_is_not_read_as_markdown() -> None:
    shown = text(run("with boundary():\n    raise Conflict('The name **x** [a](http://example.com) is taken.')"))
    assert "**x**" not in shown
    assert "[a](http" not in shown


def test_the_way_out_is_offered_where_the_address_names_something_that_does_not_exist() -> None:
    body = "with boundary(way_out=('jobs', 'All jobs')):\n    raise {}('There is no such job.')"
    assert [button.label for button in run(body.format("NotFound")).button] == ["All jobs"]
    assert not run(body.format("Conflict")).button


def test_stop_and_rerun_pass_through() -> None:
    app = run("with boundary():\n    st.stop()\nst.caption('after')")
    assert text(app) == ""


def test_an_error_of_a_field_stands_beside_it() -> None:
    body = "slots = {'name': st.empty()}\nst.write(show_beside(slots, DataError('Too long.', field='%s')))"
    assert "Too long" in text(run(body % "name"))
    assert "Too long" not in text(run(body % "other"))
