"""`sft spending` and `sft budget`: what is listed, set and removed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli import main
from core.platform.db.uow import UnitOfWork
from core.services.platform import budgets, connections, spending
from core.services.platform.budgets import closing
from core.services.training import jobs
from tests.support.hosted.server import KEY
from tests.support.hosted.services import OpenAiService
from tests.support.jobs import make_dataset
from tests.support.random_model import make_model


def sft(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    assert main(list(words)) == code
    shown = capsys.readouterr()
    return shown.out, shown.err


@pytest.fixture(autouse=True)
def _paid_work(studio_env: Path) -> None:
    with UnitOfWork() as uow:
        budgets.reserve(uow, "training", 4, "task_1", "Ada", title="Train “Items”", provider="Nebius", low_usd=2)
        uow.commit()


def test_paid_work_is_listed_summed_and_exported(capsys) -> None:
    out, err = sft(capsys, "spending")
    assert "Train “Items”  Nebius  Ada  $2.00 to $4.00  open" in out
    assert "$0 spent, $4.00 reserved." in err
    assert sft(capsys, "spending", "--by", "provider")[0].splitlines()[1].split() == ["Nebius", "1", "$0", "$4.00"]
    assert json.loads(sft(capsys, "spending", "--by", "kind", "--json")[0])["key"] == "Training"
    assert sft(capsys, "spending", "--csv")[0].startswith("started_at,kind,title")
    assert "day, kind, person, provider" in sft(capsys, "spending", "--by", "hour", code=1)[1]


def test_a_budget_is_set_shown_and_removed(capsys) -> None:
    assert "“Training” is $5.00 a month; 80% is used" in sft(capsys, "budget", "limit", "training", "5")[1]
    listed = [json.loads(line) for line in sft(capsys, "budget", "--json")[0].splitlines()]
    assert [(one["kind"], one["state"]) for one in listed[:2]] == [("studio", "none"), ("training", "warning")]
    assert "80%" in sft(capsys, "budget")[0]
    assert "no limit" in sft(capsys, "budget", "limit", "training", "--none")[1]
    assert "--none" in sft(capsys, "budget", "limit", "training", code=1)[1]


def test_a_price_is_entered_listed_and_removed(capsys) -> None:
    connections.save(name="Nebius", kind="openai", base_url="https://ft.example.org/v1")
    assert "“Nebius”: $0.70 per million" in sft(capsys, "spending", "price", "nebius", "Qwen/Qwen3-8B", "0.7")[1]
    assert "Nebius  Qwen/Qwen3-8B  $0.70" in sft(capsys, "spending", "prices")[0]
    sft(capsys, "spending", "price", "Nebius", "Qwen/Qwen3-8B", "--remove")
    assert "entered" not in sft(capsys, "spending", "prices")[0]
    assert "no price" in sft(capsys, "spending", "price", "Nebius", "x", "--remove", code=1)[1].lower()


def test_the_cost_of_training_elsewhere_is_estimated(capsys) -> None:
    server = OpenAiService()
    try:
        connections.save(name="Hosted", kind="openai", base_url=server.url, key=KEY, training="openai")
        asked = ("--dataset", make_dataset().id, "--connection", "hosted", "--base", "gpt-4.1-mini-2025-04-14")
        out, err = sft(capsys, "spending", "estimate", *asked, "--set", "n_epochs=3")
        assert out.startswith("$")
        assert "× 3 epochs × $5.00 per million tokens" in err
        assert json.loads(sft(capsys, "spending", "estimate", *asked, "--json")[0])["price_usd"] == 5
    finally:
        server.close()


def test_a_run_here_is_estimated_and_nothing_is_launched(capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SFT_PRICE_PER_HOUR", "3600")
    monkeypatch.setenv("SFT_CURRENCY", "USD")
    monkeypatch.setenv("SFT_DEVICE", "cpu")
    budgets.set_budget("training", 5)
    base = f"local:{make_model(tmp_path / 'tiny')}"
    asked = ("train", "--dataset", make_dataset().id, "--base", base, "--epochs", "2", "--estimate")
    out, err = sft(capsys, *asked)
    assert "USD per hour" in out
    assert "steps" in err
    assert "estimated from this processor" in err
    assert "$1.00 of $5.00 is left of the budget “Training”" in err
    found = json.loads(sft(capsys, *asked, "--json")[0])
    assert found["rough_time_s"][0] <= found["rough_time_s"][1]
    assert found["training"]["num_epochs"] == 2
    assert found["cost"]["per_hour"] == 3600
    assert jobs.list_jobs() == []


def test_a_job_elsewhere_is_estimated_as_it_would_be_launched(capsys) -> None:
    server = OpenAiService()
    try:
        connections.save(name="Hosted", kind="openai", base_url=server.url, key=KEY, training="openai")
        asked = ("train", "--dataset", make_dataset().id, "--connection", "hosted", "--estimate")
        out, err = sft(capsys, *asked, "--base", "gpt-4.1-mini-2025-04-14", "--epochs", "3")
        assert out.startswith("$")
        assert "× 3 epochs × $5.00 per million tokens" in err
        assert not [call for call in server.calls if call.method == "POST"]
        assert jobs.list_jobs() == []
    finally:
        server.close()


def test_a_budget_that_stops_a_launch_names_the_option_that_starts_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SFT_PRICE_PER_HOUR", "3600")
    monkeypatch.setenv("SFT_CURRENCY", "USD")
    monkeypatch.setenv("SFT_DEVICE", "cpu")
    budgets.set_budget("training", 4)
    base = f"local:{make_model(tmp_path / 'tiny')}"
    asked = ("train", "--dataset", make_dataset().id, "--base", base, "--epochs", "2")
    assert '--over-budget "REASON"' in (refused := command(*asked, code=1))
    assert "does not cover this" in refused
    assert jobs.list_jobs() == []
    command(*asked, "--over-budget", "The customer waits.")
    (job,) = jobs.list_jobs()
    jobs.request(job.id, "cancel")
    closing.close_ended()
    budgets.set_budget("training", 3)
    assert "--over-budget" in command("jobs", "retry", job.id, code=1)
    command("jobs", "retry", job.id, "--over-budget", "Still waiting.")
    assert {one.override_reason for one in spending.overrides()} == {"The customer waits.", "Still waiting."}


def command(*words: str, code: int = 0) -> str:
    """A command as a process, with the Redis that it starts; what it prints to stderr."""
    done = subprocess.run([sys.executable, "-m", "core.cli", *words], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stderr
