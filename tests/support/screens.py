"""Screens under Streamlit's AppTest: opened from a file, and looked at by key instead of by wording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

ROOT = Path(__file__).parents[2]


def open_page(file: str, **query: str) -> AppTest:
    """A page by its file (`pages/training/new_job.py`), opened through the front door with its query parameters."""
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=180).run()
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


def title(app: AppTest) -> str:
    """The title of the screen, which shows no exception."""
    assert not app.exception, [item.value for item in app.exception]
    return str(app.title[0].value)


def shows(app: AppTest, key: str) -> bool:
    """Whether the screen has a container with this key."""
    return _container(app, key) is not None


def part(app: AppTest, key: str) -> str:
    """The texts in the container with this key."""
    block = _container(app, key)
    assert block is not None, f"no container {key!r} on the screen"
    return "\n".join(str(getattr(item, "value", "")) for kind in _TEXTS for item in block.get(kind))


_TEXTS = ("markdown", "caption", "text", "header")


def _container(app: AppTest, key: str) -> Block | None:
    waiting: list[Any] = [app._tree]
    while waiting:
        node = waiting.pop()
        if getattr(getattr(node, "proto", None), "id", "").endswith(f"-{key}") and isinstance(node, Block):
            return node
        waiting += list(getattr(node, "children", {}).values())
    return None
