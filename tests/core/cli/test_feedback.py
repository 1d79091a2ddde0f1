"""`sft feedback`: listed, decided, exported, and made into a dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.services.data import datasets
from core.services.serving import conversations, feedback
from core.services.serving.conversations import AnswerChoice
from tests.support.talking import finished, talking


@pytest.fixture
def correction(studio_env: Path, monkeypatch: pytest.MonkeyPatch):
    with talking(monkeypatch, any_model=True):
        chat = conversations.new_conversation_id()
        conversations.send(chat, "Who is ann@example.com?", AnswerChoice("any"))
        answer = finished(chat).last_id
        feedback.rate(chat, answer, author="Ann", thumb=-1, comment="No.")
        yield feedback.correct(chat, answer, "A colleague.", author="Ann")


def test_the_way_from_a_correction_to_a_dataset(correction, tmp_path: Path, capsys) -> None:
    assert main(["feedback"]) == 0
    assert "1 new, 0 accepted" in capsys.readouterr().out
    assert main(["feedback", "list", "--state", "new"]) == 0
    assert correction.id in capsys.readouterr().out
    assert main(["feedback", "list", "--votes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["comment"] == "No."
    assert main(["feedback", "accept", correction.id, "--by", "Bo"]) == 0
    assert feedback.get(correction.id).decided_by == "Bo"
    pairs = tmp_path / "pairs.jsonl"
    assert main(["feedback", "export", "--out", str(pairs)]) == 0
    assert json.loads(pairs.read_text()) == {
        "prompt": [{"role": "user", "content": "Who is [EMAIL]?"}],
        "chosen": [{"role": "assistant", "content": "A colleague."}],
        "rejected": [{"role": "assistant", "content": "Answer 1"}],
    }
    capsys.readouterr()
    assert main(["feedback", "dataset", "--name", "Corrections", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert datasets.get_dataset("Corrections").id == made["dataset_id"]
    assert main(["feedback", "dataset", "--name", "Again"]) == 1
    assert "No accepted correction" in capsys.readouterr().err


def test_what_does_not_exist_is_an_error_without_a_traceback(studio_env: Path, capsys) -> None:
    for words in (["accept", "corr_no"], ["list", "--state", "maybe"], ["export", "--format", "xml"]):
        assert main(["feedback", *words]) in (1, 2)
        assert "Traceback" not in capsys.readouterr().err
