"""The web app alone says what does not run and how to start it."""

from __future__ import annotations

import pytest

from core.services.platform import running
from pages.ui import downloads
from tests.pages.conftest import keys, texts


def test_the_web_app_alone_says_what_is_missing(open_screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_streams", True)
    app = open_screen("home")
    assert "not_running" in keys(app)
    assert running.start_command(8501) in texts(app)
