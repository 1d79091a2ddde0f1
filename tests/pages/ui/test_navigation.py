"""The navigation lists each screen that has a file, and nothing else."""

from __future__ import annotations

from pages.ui import navigation

SCREENS = [screen for screens in navigation.SECTIONS.values() for screen in screens]


def test_each_file_of_a_screen_is_in_the_navigation() -> None:
    files = {path for path in (navigation.ROOT / "pages").glob("[!u_]*/*.py") if path.stem != "__init__"}
    assert files == {navigation.page_file(screen.name) for screen in SCREENS}


def test_no_two_screens_share_a_name() -> None:
    assert len({screen.name for screen in SCREENS}) == len(SCREENS)
