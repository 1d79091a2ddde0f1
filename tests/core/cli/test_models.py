"""`sft models`: list with tags, versions and scores; tag and deploy."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from core.cli import main, models as verb
from core.models import base_models
from core.platform import supervisor
from core.services.platform import tasks
from core.services.serving import evaluating, from_code
from core.services.training import models
from core.services.training.models import ModelRecord
from core.serving.targets import Availability
from core.serving.targets.studio import Studio
from tests.support import evaluations as planted, runs


@pytest.fixture
def model(studio_env: Path, tmp_path: Path) -> ModelRecord:
    return runs.succeed(runs.launch(runs.dataset("Support"), "Support v1"), tmp_path / "adapter")


def test_models_are_tagged_and_listed_by_tag(model: ModelRecord, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "tag", "Support v1", "production", "v2"]) == 0
    assert capsys.readouterr().out == "production v2\n"
    assert main(["models", "tag", model.id, "v2", "--remove"]) == 0
    assert main(["models", "tag", model.id]) == 0
    assert capsys.readouterr().out == "production\nproduction\n"
    assert main(["models", "tag", model.id, "two words"]) == 1
    assert "“-”" in capsys.readouterr().err
    assert main(["models", "list", "--tag", "production", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["tags"], found["version"], found["scores"]) == (["production"], 1, [])
    assert main(["models", "list", "--tag", "v2", "--json"]) == 0
    assert capsys.readouterr().out == ""


def test_a_model_is_tested_from_the_command_line(
    model: ModelRecord, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.models(monkeypatch)
    monkeypatch.setattr(supervisor, "ensure", lambda *needed: nullcontext())

    def work(task_id: str) -> None:
        begun = evaluating.get(tasks.get_task(task_id).payload["evaluation_id"])
        planted.answered(begun, {model.id: planted.right_up_to(validation=29), "starter": planted.wrong})

    monkeypatch.setattr(verb, "wait_succeeded", work)
    assert main(["models", "test", model.id]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown[0] == ["FIGURE", "PART", "TUNED", "BASE", "ANSWERS"]
    assert ["Exact", "match", "-", "50.0%", "0.0%", "58"] in shown


def test_deploy_restores_a_model_and_prints_its_address(
    model: ModelRecord, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    models.archive([model.id])
    assert main(["models", "deploy", model.id]) == 1
    assert "is missing" in capsys.readouterr().err, "its base was not built"
    assert models.get_model(model.id).state == "archived"
    ready = replace(base_models.resolve("starter"), ready=True)
    monkeypatch.setattr(base_models, "resolve", lambda _: ready)
    monkeypatch.setattr(Studio, "health", lambda _: Availability(False, "It is not running."))
    assert main(["models", "deploy", model.id]) == 0
    said = capsys.readouterr()
    assert said.out == f"{from_code.base_url()}  support-v1\n"
    assert "sft up" in said.err
    assert models.get_model(model.id).state == "active"


def test_two_models_with_one_slug_are_asked_by_id(model: ModelRecord, tmp_path: Path) -> None:
    other = runs.succeed(runs.launch(runs.dataset("Other"), "Support  V1!"), tmp_path / "adapter")
    assert sorted(map(from_code.name_of, (model, other))) == sorted([model.id, "support-v1"])


def test_the_address_is_the_one_of_the_browser_where_the_api_listens_everywhere(monkeypatch) -> None:
    assert from_code.base_url("http://studio.example.org:8501/models") == "http://127.0.0.1:8000/v1"
    monkeypatch.setenv("SFT_HOST", "0.0.0.0")
    assert from_code.base_url("http://studio.example.org:8501/models") == "http://studio.example.org:8000/v1"
    assert from_code.base_url("http://localhost:8501/") == "http://127.0.0.1:8000/v1"
