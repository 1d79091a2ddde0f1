"""Screens under Streamlit's AppTest, each with a separate studio.

Tests find elements by key and read texts from where they are defined, so that words on a screen can change.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.errors import UNEXPECTED
from pages.ui.format import md, sentence
from pages.ui.navigation import page_file

ROOT = Path(__file__).parents[2]
Open = Callable[..., AppTest]


@pytest.fixture
def open_screen(studio_env: Path) -> Open:
    """`open_screen("datasets", id="ds_…")`: the entry page, then that screen with its query parameters."""

    def open_it(name: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=180)
        if name == "home":
            return app.run()
        app.run()
        app.switch_page(str(page_file(name).relative_to(ROOT)))
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return open_it


def texts(app: AppTest) -> str:
    """All text on the screen."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "text",
        "code",
        "metric",
        "button",
        "html",
        "page_link",
    )
    parts: list[str] = []
    for kind in kinds:
        for element in app.get(kind):
            parts += [str(getattr(element, name, "") or "") for name in ("label", "value", "delta", "body")]
            parts.append(str(getattr(getattr(element, "proto", None), "label", "")))
    return "\n".join(parts)


def keys(app: AppTest) -> set[str]:
    """The keys of all widgets and containers on the screen."""
    found: set[str] = set()

    def walk(block: Any) -> None:
        for child in block.children.values():
            if hasattr(child, "children"):
                container = str(getattr(child.proto, "id", ""))  # "$$ID-<32 digits>-<key>"
                found.add(container.split("-", 2)[-1])
                walk(child)
            elif getattr(child, "key", None):
                found.add(child.key)

    walk(app.main)
    return found


def shows(text: str, screen: str) -> bool:
    """Whether a text of the core is on the screen, where it is escaped for markdown."""
    return any(form in screen for form in (text, md(text), sentence(text)))


@pytest.fixture
def read() -> Callable[[AppTest], str]:
    """Returns the text on a screen; fails if the screen shows an unexpected error."""

    def check(app: AppTest) -> str:
        assert not app.exception, [item.value for item in app.exception]
        shown = texts(app)
        assert UNEXPECTED not in shown, shown
        return shown

    return check
