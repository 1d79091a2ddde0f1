"""A new verb of `sft` is one file and one line: a dummy is in the help, and the documentation has to name it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Annotated

import pytest
import typer

from core.cli import VERBS, main
from tests.core.cli import test_docs
from tests.support.registry import registered

ROWS = (
    (
        "a verb of the command line",
        "core/cli/<verb>.py",
        "core/cli/__init__.py: VERBS.add(...)",
    ),
)


def sing(song: Annotated[str, typer.Argument(help="What to sing.")]) -> None:
    """Sing a song."""
    print(f"La la {song}")


def test_a_new_verb_is_in_the_help_and_runs(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    module = ModuleType("dummies.sing")
    module.sing = sing  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dummies.sing", module)
    with registered(VERBS, "dummies.sing"):
        assert main(["--help"]) == 0
        assert "Sing a song." in capsys.readouterr().out
        assert main(["sing", "rows"]) == 0
        assert capsys.readouterr().out == "La la rows\n"
        with pytest.raises(AssertionError):
            test_docs.test_every_verb_has_a_section_and_no_other()
