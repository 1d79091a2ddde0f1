"""A folder, file or name that a shell would run: the data directory, a table, a dataset, a suggested command."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.platform import redis_server
from core.services.data.sources import files
from tests.attacks.test_foreign_code import calls

SFT = [sys.executable, "-m", "core.cli"]
EVIL = "a; touch pwned; $(touch pwned2) `touch pwned3` && touch pwned4 | touch pwned5 \n touch pwned6 '\" #"


def test_a_studio_in_a_folder_with_such_a_name_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is converted by the real worker and Redis, and written to an output of such a name."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SFT_DATA_DIR", str(folder / EVIL))
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    table = folder / f"{EVIL}.csv"
    table.write_text("question,answer\n" + "".join(f"What is {n}?,It is {n}.\n" for n in range(12)))
    out = folder / f"out {EVIL}.jsonl"
    convert = [*SFT, "convert", str(table), "--template", "qa", "--input", "question", "--target", "answer"]
    try:
        for command in ([*convert, "--name", "faq"], [*SFT, "export", "faq", "--out", str(out)]):
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
            assert done.returncode == 0, done.stderr[-2_000:]
    finally:
        shutil.rmtree(redis_server.runtime_dir(), ignore_errors=True)
    assert out.read_text().count("\n") == 12
    assert [*folder.rglob("pwned*"), *root.glob("pwned*")] == []


@pytest.mark.parametrize("name", [EVIL, "-rf", "$HOME", "a'b", 'a"b', "a b", "--name=x"])
def test_a_command_that_is_suggested_keeps_a_name_in_one_piece(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.csv"
    file.write_text('"$(touch pwned)",answer\nWhat is 1?,It is 1.\nWhat is 2?,It is 2.\n')
    command = files.convert_command(str(file), files.analyze_file(file))
    pieces = shlex.split(command)
    assert pieces[:3] == ["sft", "convert", str(file)]
    assert not [
        piece for piece in pieces if "touch pwned" in piece and piece not in (str(file), name, "$(touch pwned)")
    ]


def test_no_process_is_started_through_a_shell() -> None:
    """Every command is a list; a text would be split by a shell or not at all."""
    found = []
    for place, call in calls():
        owner = getattr(getattr(call.func, "value", None), "id", "")
        name = getattr(call.func, "attr", "")
        if owner == "subprocess" and name in ("run", "Popen", "call", "check_call", "check_output"):
            first = call.args[0] if call.args else None
            if type(first).__name__ in ("Constant", "JoinedStr", "BinOp"):
                found.append(place)
        if any(word.arg == "shell" for word in call.keywords):
            found.append(place)
    assert found == []
