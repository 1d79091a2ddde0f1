"""`sft base`: what is listed, and what to type for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.models.base_models import named_directory, suggested_id


@pytest.fixture(autouse=True)
def empty_cache(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(studio_env / "none"))


def test_base_models_are_listed_with_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["base", "list", "--json"]) == 0
    listed = {found["base"]: found for found in map(json.loads, capsys.readouterr().out.splitlines())}
    small = listed[suggested_id()]
    assert (small["ready"], small["command"], small["sources"]) == (False, "sft base get smollm2", ["hub", "index"])
    assert listed["starter"]["sources"] == []
    assert main(["base"]) == 0
    shown = capsys.readouterr().out
    assert "sft base get smollm2" in shown
    assert "built when used" in shown


def test_a_name_cannot_act_upon_the_terminal(studio_env: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (named_directory() / "red\x1b[31m\nline").mkdir(parents=True)
    assert main(["base", "list"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "red\ufffd[31m\ufffdline" in shown


def test_the_starter_is_not_downloaded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["base", "get", "starter"]) == 1
    assert "built on this machine" in capsys.readouterr().err
