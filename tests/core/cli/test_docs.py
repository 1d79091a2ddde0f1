"""docs/cli.md says something about every verb and every option, and about none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from core.cli import VERBS, build_app

DOC = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### sft (\w+)[^\n]*\n(.*?)(?=^### |\Z)", DOC, flags=re.DOTALL | re.MULTILINE))


def options_of(verb: str) -> set[str]:
    command = typer.main.get_command(build_app()).commands[verb]  # type: ignore[attr-defined]
    return {name for param in command.params for name in param.opts if name.startswith("--")} - {"--help"}


def test_every_verb_has_a_section_and_no_other() -> None:
    assert set(SECTIONS) == set(VERBS.ids())


@pytest.mark.parametrize("verb", VERBS.ids())
def test_every_option_is_documented(verb: str) -> None:
    documented = set(re.findall(r"^\| `(--[\w-]+)` \|", SECTIONS[verb], flags=re.MULTILINE))
    assert documented == options_of(verb)


@pytest.mark.parametrize("verb", VERBS.ids())
def test_every_verb_has_a_help_text(verb: str) -> None:
    command = typer.main.get_command(build_app()).commands[verb]  # type: ignore[attr-defined]
    assert command.help
    assert all(getattr(param, "help", None) for param in command.params if param.name != "help")


@pytest.mark.parametrize("verb", VERBS.ids())
def test_a_verb_works_when_only_its_own_module_is_loaded(verb: str) -> None:
    """`sft VERB` loads no other verb: the help texts of all import half of the studio."""
    alone = typer.main.get_command(build_app(verb)).commands  # type: ignore[attr-defined]
    assert set(alone) == {verb}
