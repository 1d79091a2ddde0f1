"""With sign-in configured, every address of a fresh server shows the sign-in screen and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.ui.navigation import SECTIONS
from tests.e2e.harness import Studio, beyond_edge, settle, start, stop
from tests.support.servers import free_port

pytestmark = pytest.mark.browser

SCREENS = sorted(screen.name for section in SECTIONS.values() for screen in section)
SECRETS = """
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a-secret-of-this-test-alone-0123456789"
client_id = "studio"
client_secret = "not-used"
server_metadata_url = "http://127.0.0.1:{port}/.well-known/openid-configuration"
"""


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Studio]:
    """A fresh web server with sign-in configured; on a fresh one a deep link can run a page's file first."""
    port = free_port()
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(SECRETS.format(port=port))
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    command = [sys.executable, "-m", "streamlit", "run", "Home.py", "--server.port", str(port)]
    command += ["--secrets.files", str(secrets), "--server.fileWatcherType", "none"]
    studio = start(command, f"http://127.0.0.1:{port}", data_dir, {"SFT_DATA_DIR": str(data_dir)})
    yield studio
    stop(studio)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_deep_link_shows_only_the_sign_in_screen(screen: str, locked: Studio, open_page) -> None:
    page = open_page(width=420)
    page.goto(f"{locked.url}/{'' if screen == 'home' else screen}?id=1&draft=2")
    page.locator(".st-key-sign_in").wait_for()
    settle(page)
    assert page.locator("h1").count() == 0, "the title of a page is on the screen"
    assert page.get_by_test_id("stSidebarNavLink").count() == 0
    assert beyond_edge(page) == []
    # No page reached the services: the data directory is empty.
    assert list(locked.data_dir.iterdir()) == []
