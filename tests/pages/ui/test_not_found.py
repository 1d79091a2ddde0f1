"""An address without a screen gets a page by the studio, in place of Streamlit's dialog over Home."""

from __future__ import annotations

import pytest

from pages.ui.front_door.screens import is_screen, not_found_screen
from pages.ui.navigation import SECTIONS

SCREENS = [screen.name for screens in SECTIONS.values() for screen in screens if screen.name != "home"]


@pytest.mark.parametrize("path", ["/", *(f"/{name}" for name in SCREENS), "/new_job/", "/favicon.png"])
def test_every_screen_and_file_is_served(path: str) -> None:
    assert is_screen(path)


@pytest.mark.parametrize("path", ["/_stcore/health", "/static/js/x.js", "/downloads/token", "/media/a/b.png"])
def test_what_streamlit_and_the_studio_serve_besides_is_not_covered(path: str) -> None:
    assert is_screen(path)


def test_another_address_names_the_closest_screen() -> None:
    assert not is_screen("/new-job")
    assert not is_screen("/datasets/ds_1")
    answer = not_found_screen("/new-job")
    shown = bytes(answer.body).decode()
    assert answer.status_code == 404
    assert 'href="/new_job"' in shown
    assert 'href="/"' in shown


def test_an_address_is_shown_as_text() -> None:
    shown = bytes(not_found_screen("/<script>alert(1)</script>" + "x" * 500).body).decode()
    assert "<script>" not in shown
    assert "x" * 100 not in shown
