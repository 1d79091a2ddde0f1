"""docs/cli.md says something about every verb and every option, and about none that is not there.

python -m tests.core.cli.test_docs      writes the table of the settings of a run
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from core.cli import VERBS, build_app
from core.cli._support.run_settings import setting_options
from core.data.reading_options import READING

FILE = Path(__file__).parents[3] / "docs" / "cli.md"
DOC = FILE.read_text(encoding="utf-8")
HEADING = "## Settings of a run"
SECTIONS = dict(re.findall(r"^### sft (\w+)[^\n]*\n(.*?)(?=^##+ |\Z)", DOC, flags=re.DOTALL | re.MULTILINE))


READING_FLAGS = {choice.flag for choice in READING.values()}
SETTING_FLAGS = {flag for option in setting_options() for flag in (option.flag, *option.other_flags)}


def options_of(verb: str) -> set[str]:
    command = typer.main.get_command(build_app()).commands[verb]  # type: ignore[attr-defined]
    return {name for param in command.params for name in param.opts if name.startswith("--")} - {"--help"}


def test_every_verb_has_a_section_and_no_other() -> None:
    assert set(SECTIONS) == set(VERBS.ids())


@pytest.mark.parametrize("verb", VERBS.ids())
def test_every_option_is_documented(verb: str) -> None:
    documented = set(re.findall(r"^\| `(--[\w-]+)` \|", SECTIONS[verb], flags=re.MULTILINE))
    options = options_of(verb)
    for elsewhere in (READING_FLAGS, SETTING_FLAGS):
        options = options - elsewhere if options >= elsewhere else options
    assert documented == options


@pytest.mark.parametrize("verb", VERBS.ids())
def test_every_subcommand_is_documented(verb: str) -> None:
    command = typer.main.get_command(build_app()).commands[verb]  # type: ignore[attr-defined]
    for name in getattr(command, "commands", {}):
        assert re.search(rf"`(sft {verb} )?{name}\b", SECTIONS[verb]), f"sft {verb} {name}"


def settings_table() -> str:
    rows = []
    for option in setting_options():
        flags = " or ".join(f"`{flag}`" for flag in (option.flag, *option.other_flags))
        rows.append(f"| {flags} | {option.help.replace('|', '/')} |")
    return "\n".join(["| setting | meaning |", "|---|---|", *rows]) + "\n"


def test_the_settings_of_a_run_are_documented() -> None:
    assert DOC.partition(HEADING)[2].partition("| setting")[2] == settings_table().removeprefix("| setting"), (
        "write it again: python -m tests.core.cli.test_docs"
    )


def test_the_options_about_reading_are_documented_once() -> None:
    (section,) = re.findall(r"^## How a file is read\n(.*?)^## ", DOC, flags=re.DOTALL | re.MULTILINE)
    assert dict(re.findall(r"^\| `(--[\w-]+)` \| (.*) \|$", section, flags=re.MULTILINE)) == {
        choice.flag: choice.help for choice in READING.values()
    }
    reading_verbs = {verb for verb in VERBS.ids() if options_of(verb) >= READING_FLAGS}
    assert set(re.findall(r"`(\w+)`", section.split(" detect how ")[0])) == reading_verbs


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


if __name__ == "__main__":
    before, _, after = DOC.partition(HEADING)
    FILE.write_text(f"{before}{HEADING}{after.partition('| setting')[0]}{settings_table()}", encoding="utf-8")
