"""Every screen in a real browser, narrow and wide, dark and light: nothing beyond the edge, no error."""

from __future__ import annotations

import pytest

from pages.ui.errors import UNEXPECTED
from pages.ui.navigation import SECTIONS
from tests.e2e.harness import Studio, beyond_edge, visit

pytestmark = pytest.mark.browser

SCREENS = sorted(screen.name for section in SECTIONS.values() for screen in section)


@pytest.mark.parametrize(("width", "scheme"), [(420, "dark"), (1440, "light")])
def test_it_fits_the_window(width: int, scheme: str, studio: Studio, open_page) -> None:
    page = open_page(width=width, scheme=scheme)
    for screen in SCREENS:
        visit(page, f"{studio.url}/{'' if screen == 'home' else screen}")
        assert page.get_by_test_id("stException").count() == 0, screen
        assert page.get_by_text(UNEXPECTED).count() == 0, screen
        assert beyond_edge(page) == [], screen
