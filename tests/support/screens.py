"""Screens under Streamlit's AppTest, for tests outside `tests/pages`."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


def open_page(file: str, **query: str) -> AppTest:
    """A page by its file (`pages/training/new_job.py`), opened through the front door with its query parameters."""
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60).run()
    app.switch_page(file)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, [item.value for item in app.exception]
    return app


def words(app: AppTest) -> str:
    """The markdown and captions of a page, and the labels of its buttons."""
    shown = [str(item.value) for kind in ("markdown", "caption", "html") for item in app.get(kind)]
    return "\n".join([*shown, *(button.label for button in app.button)])
