"""`sft chats`: a log described with its direction, speakers and account, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main

pytestmark = pytest.mark.usefixtures("studio_env")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rows = [f"T{n},Eve,2025-01-07,It is {n}.\nT{n},Ann {n},2025-01-07,Where is {n}?" for n in range(12)]
    path = tmp_path / "log.csv"
    path.write_text("ticket,author,sent,message\n" + "\n".join(rows))
    return path


def test_a_log_is_described_with_its_direction_and_what_shows_it(log: Path, capsys) -> None:
    assert main(["chats", str(log)]) == 0
    shown = capsys.readouterr()
    assert shown.out == "12 labeled examples\n"
    assert "Order of messages. Newest first: read newest first, the customer writes first in 12 of 12" in shown.err
    assert "24 messages read = 24 used + 0 left out" in shown.err


def test_direction_and_roles_are_chosen(log: Path, capsys) -> None:
    assert main(["chats", str(log), "--direction", "oldest", "--role", "Eve=assistant", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["direction"], found["examples"], found["left_out"]) == (
        "oldest",
        0,
        {"no_question": 12, "unanswered": 12},
    )
    assert main(["chats", str(log), "--role", "Eve=assistant", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], found["direction"], found["examples"]) == ("table", "newest", 12)
    assert found["speakers"]["Eve"] == "assistant"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--role", "Eve=boss"], "the role is not one of user"),
        (["--role", "Nobody=user"], "no speaker 'Nobody'"),
        (["--direction", "upwards"], "direction"),
        (["--format", "telegraph"], "telegraph"),
        (["--set", "colour=red"], "unknown setting"),
    ],
)
def test_a_wrong_choice_is_named(log: Path, capsys, arguments: list[str], message: str) -> None:
    assert main(["chats", str(log), *arguments]) != 0
    assert message in capsys.readouterr().err


def test_a_file_that_does_not_exist(capsys) -> None:
    assert main(["chats", "missing.csv"]) != 0
    assert "missing.csv does not exist" in capsys.readouterr().err
