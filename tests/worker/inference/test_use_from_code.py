"""*Use from code*: what the screen of a model shows is run against a real API and a real inference process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services.platform import api_keys
from pages.ui.navigation import page_file
from tests.worker.inference.conftest import Served, api_process

ROOT = Path(__file__).parents[3]


@pytest.fixture
def environment(at_the_studio: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An API in front of the process, and the variables of a program that has a key for it."""
    with api_process() as url:
        monkeypatch.setenv("SFT_API_PORT", url.rpartition(":")[2])
        key = api_keys.create(name="Program", scopes=["serve"], days=None).key
        yield {**os.environ, "SFT_KEY": key, "NO_PROXY": "127.0.0.1"}


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_code_on_the_screen_runs(at_the_studio: Served, environment: dict[str, str], tmp_path: Path) -> None:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=180).run()
    app.switch_page(str(page_file("models").relative_to(ROOT)))
    app.query_params["id"] = at_the_studio.first
    app.run()
    assert not app.exception
    curl, python, javascript = (code.value for code in app.code)

    answer = json.loads(run(["bash", "-c", curl], environment))
    said = answer["choices"][0]["message"]["content"]
    assert said
    assert run([sys.executable, "-c", python], environment) == f"{said}\n"
    refused = json.loads(run(["bash", "-c", curl], environment | {"SFT_KEY": "sft-wrong"}))
    assert refused["error"]["code"] == "invalid_api_key"
    if node := shutil.which("node"):
        file = tmp_path / "ask.mjs"
        file.write_text(javascript, encoding="utf-8")
        run([node, "--check", str(file)], environment)
