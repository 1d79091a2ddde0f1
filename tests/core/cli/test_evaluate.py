"""`sft evaluate`: figures and verdicts on stdout, and the exit code of a gate."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from core.cli import evaluate as verb, main
from core.platform import supervisor
from core.services.serving import evaluating
from core.services.serving.evaluating import EvaluationRecord
from tests.support import evaluations as planted


@pytest.fixture
def models(studio_env: Path, monkeypatch: pytest.MonkeyPatch):
    """Models that answer by functions in place of a worker; returns how to choose the functions."""
    planted.models(monkeypatch)
    planted.dataset()
    monkeypatch.setattr(supervisor, "ensure", lambda *needed: nullcontext())

    def answer_by(**answers) -> None:
        begun: list[EvaluationRecord] = []
        start = evaluating.start
        monkeypatch.setattr(evaluating, "start", lambda *given, **more: begun.append(start(*given, **more)) or begun[0])
        monkeypatch.setattr(verb, "wait_succeeded", lambda task_id: planted.answered(begun[0], answers))

    return answer_by


def run(*arguments: str) -> int:
    return main(["evaluate", "new", "--dataset", "Colors", *arguments])


def test_a_gate_fails_on_dont_ship(models, capsys) -> None:
    models(new=planted.wrong, old=planted.right)
    assert run("--against", "old", "--gate") == 1
    shown = capsys.readouterr().out
    assert shown.startswith("Don't ship: New against Old")
    assert "Label accuracy" in shown


def test_a_gate_passes_on_ship(models, capsys) -> None:
    models(new=planted.right, old=planted.wrong)
    assert run("--against", "old", "--guards", "refusals,format", "--gate", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert [verdict["decision"] for verdict in shown["verdicts"]] == ["ship"]
    assert shown["summary"]["models"][0]["suites"] == {"refusals": [32, 32], "format": [0, 32]}


def test_a_gate_says_which_suite_guards_nothing(models, capsys) -> None:
    models(new=planted.right, old=planted.wrong)
    assert run("--against", "old", "--guards", "refusals,format", "--gate") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Ship: New against Old"
    assert "  = Format guards nothing here. “Old” answers 0 of 32 correctly, so this suite cannot fall." in lines


def test_without_a_gate_the_verdict_is_only_printed(models) -> None:
    models(new=planted.wrong, old=planted.right)
    assert run("--against", "old", "--guards", "none") == 0


def test_figures_alone(models, capsys) -> None:
    models(new=planted.right)
    assert run("--metric", "exact_match") == 0
    assert "Exact match     100.0%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--gate"], "--against"), (["--split", "exam"], "exam"), (["--custom", "Mine"], "NAME=FILE"),
     (["--against", "old", "--guards", "poetry"], "poetry")],
)  # fmt: skip
def test_a_wrong_command_says_what_is_wrong(models, capsys, arguments: list[str], says: str) -> None:
    models(new=planted.right)
    assert run(*arguments) in (1, 2)
    assert says in capsys.readouterr().err
