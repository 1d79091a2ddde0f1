"""What the doctor finds, and that it never shows a secret."""

from __future__ import annotations

import json

import pytest

from core.cli import main
from core.services.platform import doctor


def by_name() -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine()}


def test_a_complete_setup_has_no_missing_checks(studio_env) -> None:
    found = by_name()
    assert [check for check in found.values() if check.state == "missing"] == []
    assert found["database"].found.startswith("SQLite, migrated")
    assert {"Python", "torch", "memory", "Redis", "disk", "Ollama"} <= set(found)


def test_every_problem_has_a_remedy(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:s3cret-pass@127.0.0.1:1/none")
    found = by_name()
    assert found["Redis"].state == found["database"].state == "missing"
    assert found["Redis"].remedy
    assert "DATABASE_URL" in found["database"].remedy


def test_no_secret_is_ever_shown(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:s3cret-pass@127.0.0.1:1/none")
    shown = str(doctor.examine())
    assert "sk-very-secret" not in shown
    assert "s3cret-pass" not in shown
    assert by_name()["OPENAI_API_KEY"].found == "set; sent only to api.openai.com"


def test_a_database_that_was_never_migrated(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_DATA_DIR", str(tmp_path / "new"))
    check = by_name()["database"]
    assert (check.state, check.remedy.split()[:2]) == ("note", ["sft", "up"])


def test_a_check_that_fails_is_reported(studio_env, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("no such device")

    monkeypatch.setattr(doctor, "_memory", broken)
    assert by_name()["broken"].state == "missing"


def test_the_command_prints_one_json_object(studio_env, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("core.cli.doctor")
    import typer

    from core.cli.doctor import doctor as verb

    app = typer.Typer()
    app.command()(verb)
    with pytest.raises((SystemExit, typer.Exit)):
        app(["--json"])
    printed = json.loads(capsys.readouterr().out)
    assert {check["state"] for check in printed["checks"]} <= {"ok", "note", "missing"}
    assert callable(main)
