"""Every screen in a real browser, narrow and wide, dark and light: it fits, shows no error, and anyone can use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.platform.db import migrate
from core.services.serving import agents
from pages.ui.errors import UNEXPECTED
from pages.ui.navigation import SECTIONS
from tests.e2e.harness import Studio, beyond_edge, settle, visit
from tests.support import runs
from tests.support.accessibility import faults, faults_in_both_schemes, walk
from tests.support.web import web_process

pytestmark = pytest.mark.browser

SCREENS = sorted(screen.name for section in SECTIONS.values() for screen in section)
BOTH = [(420, "dark"), (1440, "light")]
DIALOGS = ("write_example", "op_split", "op_more", "more_filters")  # two of them are popovers


@pytest.mark.parametrize(("width", "scheme"), BOTH)
def test_it_fits_the_window(width: int, scheme: str, studio: Studio, open_page) -> None:
    page = open_page(width=width, scheme=scheme)
    for screen in SCREENS:
        visit(page, f"{studio.url}/{'' if screen == 'home' else screen}")
        fits(page, screen)
        assert faults(page) == [], screen


@pytest.mark.parametrize(("width", "scheme"), BOTH)
def test_a_full_row_of_cards_fits_the_window(
    width: int, scheme: str, furnished: tuple[Studio, dict[str, str]], open_page
) -> None:
    page = open_page(width=width, scheme=scheme)
    visit(page, f"{furnished[0].url}/datasets")
    fits(page, "datasets")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, dict[str, str]]]:
    """The web process alone, with a dataset, a finished job and its model; and the addresses of their screens."""
    folder = tmp_path_factory.mktemp("furnished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFT_DATA_DIR", str(folder / "data"))
        migrate.upgrade()
        job = runs.launch(runs.dataset())
        for name in ("Help desk, repaired", "Support tickets of the whole team"):  # a full row of cards
            runs.dataset(name)
        model = runs.succeed(job, folder / "adapter")
        agent = agents.create(name="Help desk", model=model.id)
    with web_process(folder) as studio:
        yield (
            studio,
            {
                name: f"{studio.url}/{address}"
                for name, address in {
                    "job": f"job?id={job.id}",
                    "model": f"models?id={model.id}",
                    "dataset": f"datasets?id={job.dataset_id}",
                    "agent": f"agents?id={agent.id}",
                    "new agent": "agents?new=yes",
                    "new evaluation": "evaluate?new=yes",
                    "new job": f"new_job?dataset={job.dataset_id}",
                }.items()
            },
        )


def test_axe_finds_nothing_serious_inside_the_screens(furnished: tuple[Studio, dict[str, str]], open_page) -> None:
    """Details, tabs, dialogs, popovers, and the steps of a wizard."""
    _, addresses = furnished
    page = open_page()

    def check(name: str) -> None:
        fits(page, name)
        assert faults_in_both_schemes(page) == [], name

    for name, address in addresses.items():
        visit(page, address)
        check(name)
        if name == "new job":
            page.locator(".st-key-to_review button:enabled").first.click()
            page.locator(".st-key-launch button").first.wait_for()
            settle(page)
            check("review")
        if name != "dataset":
            continue
        for key in DIALOGS:
            page.locator(f".st-key-{key} button").first.click()
            page.locator("[role=dialog]").wait_for()
            settle(page)
            check(key)
            page.keyboard.press("Escape")
            page.locator("[role=dialog]").wait_for(state="detached")
        for tab in page.locator(".st-key-view [role=tab]").all()[1:]:
            tab.click()
            settle(page)
            check(tab.inner_text())


def test_on_a_narrow_screen_the_open_tab_and_the_start_of_a_diagram_are_in_sight(
    furnished: tuple[Studio, dict[str, str]], open_page
) -> None:
    page = open_page(width=420)
    visit(page, f"{furnished[1]['dataset']}&view=Provenance")
    chart = page.get_by_test_id("stMermaidChart").first
    picture = chart.locator("img")
    picture.wait_for()
    assert picture.bounding_box()["width"] > chart.bounding_box()["width"]
    assert picture.bounding_box()["x"] >= chart.bounding_box()["x"]
    tab = page.locator(".st-key-view [role=tab][aria-selected=true]").bounding_box()
    assert tab["x"] >= 0
    assert tab["x"] + tab["width"] <= 420


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_where_there_is_no_screen(
    scheme: str, furnished: tuple[Studio, dict[str, str]], open_page
) -> None:
    page = open_page(scheme=scheme)
    page.goto(f"{furnished[0].url}/no_such_screen")
    page.locator("h1").wait_for()
    assert faults(page) == []


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(420, "light"), (1440, "dark")])
def test_axe_finds_nothing_serious_at_the_other_widths_and_schemes(
    width: int, scheme: str, furnished: tuple[Studio, dict[str, str]], open_page
) -> None:
    studio, addresses = furnished
    page = open_page(width=width, scheme=scheme)
    for address in (*(f"{studio.url}/{name}" for name in SCREENS if name != "home"), studio.url, *addresses.values()):
        visit(page, address)
        assert faults(page) == [], address


def test_axe_would_find_a_fault(furnished: tuple[Studio, dict[str, str]], open_page) -> None:
    page = open_page()
    visit(page, furnished[1]["dataset"])
    page.evaluate("document.querySelector('main h1').style.color = '#eee'")
    page.locator(".st-key-op_split button").first.evaluate("button => button.replaceChildren()")
    found = faults(page)
    assert [line.split(": ")[1] for line in found] == ["button-name", "color-contrast"]


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(
    furnished: tuple[Studio, dict[str, str]], open_page
) -> None:
    page = open_page(scheme="dark")
    visit(page, furnished[1]["dataset"])
    assert walk(page) == ([], [])
    # Dialogs and popovers take the focus, keep it while Tab is pressed, and give it back.
    for key in ("op_split", "op_more"):
        opener = page.locator(f".st-key-{key} button").first
        opener.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.activeElement.closest('[role=dialog]') !== null")
        settle(page)
        for _ in range(8):
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.closest('[role=dialog]') !== null"), key
        page.keyboard.press("Escape")
        page.wait_for_function("key => document.activeElement.closest(`.st-key-${key}`) !== null", arg=key)


def fits(page, name: str) -> None:
    """No error, and nothing beyond the edge."""
    assert page.get_by_test_id("stException").count() == 0, name
    assert page.get_by_text(UNEXPECTED).count() == 0, name
    assert beyond_edge(page) == [], name
