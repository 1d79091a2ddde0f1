"""Starting a real studio and reading its screens, for all journeys."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 240


@dataclass(frozen=True)
class Studio:
    """A running studio: its address, its data directory, its log, its process and the settings it was started with."""

    url: str
    data_dir: Path
    log: Path
    process: subprocess.Popen[bytes]
    env: Mapping[str, str] = field(default_factory=dict)


def start(command: list[str], url: str, data_dir: Path, env: dict[str, str]) -> Studio:
    """Start the command and wait until its health page answers."""
    log = data_dir.parent / f"{data_dir.name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **env}, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    studio = Studio(url, data_dir, log, process, env)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return studio
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    stop(studio)
    raise RuntimeError(f"the studio did not answer at {url}:\n{log.read_text()[-4000:]}")


def stop(studio: Studio) -> None:
    """Send Ctrl-C, then kill what is left of its process group."""
    if studio.process.poll() is None:
        studio.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            studio.process.wait(60)
    if studio.process.poll() is None:
        os.killpg(studio.process.pid, signal.SIGKILL)
        studio.process.wait(60)


def settle(page) -> None:
    """Wait until the page's script has run to its end, and the browser has loaded every element's code.

    Elements that the last run did not write again are gone then, too: the browser marks them first and removes them
    a little later.
    """
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton], [data-stale=true]')")


def visit(page, url: str) -> None:
    """Open an address and wait for its content."""
    page.goto(url)
    page.wait_for_selector('[data-testid="stMainBlockContainer"] h1, [data-testid="stMainBlockContainer"] h3')
    settle(page)


def beyond_edge(page) -> list[str]:
    """Elements of the main area whose right edge is beyond the window."""
    return page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stMain] *')]
            .filter(e => { const r = e.getBoundingClientRect(); return r.width > 0 && r.right > innerWidth + 1 })
            // these scroll on their own
            .filter(e => !e.closest('[data-testid=stDataFrame], [role=tablist], [data-testid=stMermaidChart] *'))
            .filter(e => !e.matches('input[type=range]'))  // of a slider: invisible, for screen readers
            .slice(0, 5).map(e => e.outerHTML.slice(0, 200))"""
    )
