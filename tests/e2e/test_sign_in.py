"""With sign-in configured, every address of a fresh server shows the sign-in screen and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from pages.ui.navigation import SECTIONS
from tests.e2e.harness import Studio, beyond_edge
from tests.support.accessibility import faults
from tests.support.servers import free_port
from tests.support.web import configure_sign_in, web_process

pytestmark = pytest.mark.browser

SCREENS = sorted(screen.name for section in SECTIONS.values() for screen in section)
STARTS = {
    "as sft up": [],
    "as streamlit run": [sys.executable, "-m", "streamlit", "run", "Home.py", "--server.port", "{port}"],
}


@pytest.fixture(scope="module", params=STARTS.values(), ids=STARTS)
def locked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder, port = tmp_path_factory.mktemp("locked"), free_port()
    configure_sign_in(folder, f"http://127.0.0.1:{port}")
    with web_process(folder, port=port, command=request.param) as studio:
        yield studio


@pytest.mark.parametrize("screen", SCREENS)
def test_a_deep_link_shows_only_the_sign_in_screen(screen: str, locked: Studio, open_page) -> None:
    page = open_page(width=420)
    page.goto(f"{locked.url}/{'' if screen == 'home' else screen}?id=1&draft=2")
    page.get_by_role("link", name="Sign in").wait_for()
    assert page.locator('[data-testid="stApp"]').count() == 0
    assert beyond_edge(page) == []
    # No page reached the services: they would have created a database.
    assert not (locked.data_dir / "studio.db").exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_sign_in_screen(scheme: str, locked: Studio, open_page) -> None:
    page = open_page(scheme=scheme)
    page.goto(locked.url)
    page.get_by_role("link", name="Sign in").wait_for()
    assert faults(page) == []
