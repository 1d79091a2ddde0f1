"""What `streamlit run Home.py` needs: a migrated database, and words for what does not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.platform.db import migrate
from core.platform.processes import Command, Service
from core.services.learn import home
from core.services.platform import running


def test_a_fresh_data_directory_is_migrated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "new" / "data"))
    assert running.prepare() == ""
    assert migrate.current() == migrate.head()
    assert home.overview().is_empty


def test_a_database_that_is_newer_is_named(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "head", lambda: "0001")
    assert "newer" in running.prepare()


def test_without_a_studio_everything_is_missing_and_with_one_nothing(studio_env: Path) -> None:
    assert running.missing() == (running.REDIS, running.WORKERS, running.INFERENCE)
    web = Service(Command("web", lambda: ["true"]), lambda text: None)
    assert web.claim("http://127.0.0.1:1")
    assert running.missing() == ()


def test_the_command_works_in_an_environment_that_was_not_activated(
    studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/sft").touch()
    monkeypatch.setattr("sys.executable", str(checkout / ".venv/bin/python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.chdir(checkout)
    assert running.start_command(9000) == ".venv/bin/sft up"
    monkeypatch.chdir(studio_env)
    assert running.start_command(9000) == f"{checkout}/.venv/bin/sft up"


def test_the_command_uses_another_port_than_the_running_web_app(
    studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sft").write_text("#!/bin/sh\n")
    (tmp_path / "sft").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert running.start_command(9000) == "sft up"
    assert running.start_command(8501) == "SFT_WEB_PORT=8502 sft up"
