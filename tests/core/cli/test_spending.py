"""`sft spending` and `sft budget`: what is listed, set and removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.platform.db.uow import UnitOfWork
from core.services.platform import budgets, connections
from tests.support.hosted.server import KEY
from tests.support.hosted.services import OpenAiService
from tests.support.jobs import make_dataset


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
