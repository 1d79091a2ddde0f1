"""Every page of an empty studio opens without an error and shows what to do first."""

from __future__ import annotations

import ast

import pytest

from pages.ui import navigation
from pages.ui.errors import NOT_FOUND

SCREENS = sorted(screen.name for screens in navigation.SECTIONS.values() for screen in screens)


@pytest.mark.parametrize("screen", SCREENS)
def test_it_opens_in_an_empty_studio(screen: str, open_screen, read) -> None:
    app = open_screen(screen)
    assert "Traceback" not in read(app)
    assert app.title, "a screen has a title"


@pytest.mark.parametrize("screen", SCREENS)
def test_the_guard_runs_first_and_the_page_is_short(screen: str) -> None:
    """The first statement that runs, after the imports and the page's own functions, is the guard."""
    tree = ast.parse(navigation.page_file(screen).read_text())
    quiet = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    body = tree.body[1:] if isinstance(tree.body[0], ast.Expr) else tree.body
    first = next(node for node in body if not isinstance(node, quiet))
    assert ast.unparse(first) == "guard.require()"
    assert sum(1 for _ in navigation.page_file(screen).open()) <= 160, "a page is short"


@pytest.mark.parametrize(
    ("screen", "query"),
    [("datasets", {"id": "ds_gone"}), ("convert", {"draft": "draft_gone"}), ("upload", {"source": "src_gone"})],
)
def test_an_unknown_address_is_not_found(screen: str, query: dict[str, str], open_screen, read) -> None:
    assert NOT_FOUND in read(open_screen(screen, **query))
