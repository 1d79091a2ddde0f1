"""A real studio and a real Chromium for the journeys.

Requests that would leave the machine are blocked, and a test fails if there was one.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.harness import Studio, start, stop
from tests.support.chromium import chromium
from tests.support.servers import free_port

HERE = ("127.0.0.1", "localhost", "")
FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Note for `open_page` that the test failed."""
    yield
    if call.excinfo is not None:
        item.stash[FAILED] = True


def describe(page) -> str:
    """What a person would see on the page: its address, the focus and the text."""
    focus = page.evaluate("document.activeElement?.outerHTML.slice(0, 300)")
    return f"{page.url}\nfocus: {focus}\n{page.locator('body').inner_text(timeout=5_000)}"


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """The complete studio as `sft up` runs it, on free ports with an empty data directory."""
    data_dir = tmp_path_factory.mktemp("studio")
    port = free_port()
    ports = {name: str(free_port()) for name in ("SFT_INFERENCE_PORT", "SFT_API_PORT")}
    env = {"SFT_DATA_DIR": str(data_dir), "SFT_WEB_PORT": str(port), **ports}
    running = start([sys.executable, "-m", "core.cli", "up"], f"http://127.0.0.1:{port}", data_dir, env)
    yield running
    stop(running)


@pytest.fixture(scope="session")
def ready_studio(studio: Studio, starter: Path) -> Studio:
    """The same studio with a built starter in its place."""
    home = studio.data_dir / "models" / starter.name
    if not home.exists():
        shutil.copytree(starter, home)
    return studio


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium through Playwright; without it the tests are skipped, and fail in CI."""
    with chromium() as running:
        yield running


@pytest.fixture
def open_page(browser, request) -> Iterator[Callable[..., object]]:
    """`open_page(width=1440, scheme="light")` returns a page in a new context that cannot reach other machines."""
    contexts, strangers, blocked = [], [], []

    def gate(route) -> None:
        address = urlsplit(route.request.url)
        if address.scheme in ("data", "blob") or address.hostname in HERE:
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    def make(width: int = 1440, height: int = 1000, scheme: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(240_000)  # a busy machine must not fail a test
        context.route("**/*", gate)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: blocked.append(said.text) if "Content Security Policy" in said.text else None)
        return page

    yield make
    for context in contexts:
        if request.node.stash.get(FAILED, False):
            for page in context.pages:
                with contextlib.suppress(Exception):  # the test's own failure is what is reported
                    print(describe(page))
        context.close()
    assert strangers == [], f"requests that left the machine: {strangers}"
    assert blocked == [], f"the studio's own content policy blocks what its pages need: {blocked}"
