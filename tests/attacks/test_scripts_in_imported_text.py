"""A script in imported text that runs in the browser: on a screen, in a download, in a file that is opened in a tab."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from core.messages import Example, Message
from core.services.data import datasets
from pages.ui import downloads, server
from pages.ui.front_door.response import STUDIO
from tests.support.screens import open_page

SCRIPTS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "</div></span><style>*{display:none}</style>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    '<!--<img src="--><img src=x onerror=alert(1)//">',
]


@pytest.mark.parametrize("tab", ["examples", "quality", "findings", "render"])
def test_no_screen_draws_imported_text_as_html(tab: str, studio_env: Path) -> None:
    """Every HTML block of the dataset's screen contains the texts escaped, and none of their tags."""
    examples = [
        Example((Message("user", f"{text} {n}?"), Message("assistant", text))) for n, text in enumerate(SCRIPTS)
    ]
    made = datasets.create_dataset("<img src=x onerror=alert(2)>", examples)
    app = open_page("pages/data/datasets.py", dataset=made.id, tab=tab)
    own = f"<script>{STUDIO}</script>"  # allowed by its hash, whatever else a page holds
    drawn = [body for block in app.get("html") if (body := str(block.proto.body)) != own]
    assert drawn
    for body in drawn:
        for tag in (
            "<script",
            "<img",
            "<iframe",
            "<svg/onload",
            "onerror=alert",
            "javascript:",
            "<math",
            "<form",
            'onmouseover="alert',
        ):
            assert tag not in body.replace(html.escape(tag), ""), body[:300]


def test_a_download_is_saved_and_never_opened_as_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads.st, "session_state", {})
    client = TestClient(Starlette(routes=[Route(f"/{downloads.PATH}/{{token}}", server.download)]))
    content = SCRIPTS[0].encode()
    for mime, name in (
        ("text/html", "a.html"),
        ("image/svg+xml", "a.svg"),
        ("text/csv", "a.csv"),
        ("", "x\r\nSet-Cookie: a=b"),
    ):
        token = downloads._offer(name, lambda: iter((content,)), name, mime)
        answer = client.get(f"/{downloads.PATH}/{token}")
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
