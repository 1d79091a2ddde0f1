"""The first moments of a command: an interrupt before anything is there, and streams that the caller closed."""

from __future__ import annotations

import subprocess
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest

from core import cli
from core.services.data import datasets


def test_an_interrupt_in_the_first_second_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    class Interrupting(MetaPathFinder):
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name == "core.cli._support.boundary":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "core.cli._support.boundary", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_a_conversion_with_all_streams_closed(studio_env: Path, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("question,answer\n" + "".join(f"What is {at}?,Item {at}.\n" for at in range(12)))
    command = f"exec {sys.executable} -m core.cli convert {table} --name closed --template qa"
    done = subprocess.run(
        f"{command} --input question --target answer <&- >&- 2>&-", shell=True, check=False, timeout=120
    )
    assert done.returncode == 0
    assert datasets.get_dataset("closed").examples == 12
