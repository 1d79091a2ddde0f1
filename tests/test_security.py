"""Which attacks are tried: the table in docs/security.md, made from the first lines of the modules in tests/attacks/.

python -m tests.test_security      writes the table
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ATTACKS = sorted((ROOT / "tests" / "attacks").glob("test_*.py"))
DOCUMENT = ROOT / "docs" / "security.md"
HEAD = "| attack | test |\n|---|---|\n"


def first_line(file: Path) -> str:
    """The attack that a module tries, in a few words."""
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0].strip()


def table() -> str:
    """The rows in Markdown, sorted by the attack."""
    rows = sorted((first_line(file).rstrip("."), file.name) for file in ATTACKS)
    return "".join(f"| {attack} | [{name}](../tests/attacks/{name}) |\n" for attack, name in rows)


def parts() -> tuple[str, str]:
    """The document up to the rows of the table, and the rows."""
    before, head, rows = DOCUMENT.read_text(encoding="utf-8").partition(HEAD)
    return before + head, rows


def test_the_table_is_the_one_that_the_tests_make() -> None:
    assert parts()[1] == table(), "write it again: python -m tests.test_security"


@pytest.mark.parametrize("file", ATTACKS, ids=lambda file: file.stem)
def test_every_module_names_its_attack_and_tries_it(file: Path) -> None:
    line = first_line(file)
    assert 20 < len(line) < 125, "the docstring begins with the attack, on one line that ends with a period"
    assert line.endswith(".")
    assert "|" not in line
    assert re.search(r"^(async )?def test_", file.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_file_that_the_document_names_exists() -> None:
    """A check that moved is named at its new place."""
    shared = re.compile(r"^[a-z_]+\.py$")
    for row in re.findall(r"^\|.*\|$", parts()[0], re.MULTILINE):
        last = ""
        for name in re.findall(r"`([a-z_/]+(?:\.py)?)`", row):
            place = f"{last}/{name}" if shared.match(name) and last else name
            if "/" in place:
                assert (ROOT / place).exists(), place
                last = str(Path(place).parent)


if __name__ == "__main__":
    DOCUMENT.write_text(parts()[0] + table(), encoding="utf-8")
