"""Screens under Streamlit's AppTest, each on a studio of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.navigation import page_file

ROOT = Path(__file__).parents[2]
Open = Callable[..., AppTest]


@pytest.fixture
def open_screen(studio_env: Path) -> Open:
    """`open_screen("datasets", id="ds_…")`: the front door, then that screen with its query parameters."""

    def open_it(name: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60)
        if name == "home":
            return app.run()
        app.run()
        app.switch_page(str(page_file(name).relative_to(ROOT)))
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return open_it


def texts(app: AppTest) -> str:
    """Everything that stands on the screen as text."""
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


@pytest.fixture
def read() -> Callable[[AppTest], str]:
    """The screen's text; red at once where an exception is shown."""

    def check(app: AppTest) -> str:
        assert not app.exception, [item.value for item in app.exception]
        said = texts(app)
        assert "Something went wrong here" not in said, said
        return said

    return check
