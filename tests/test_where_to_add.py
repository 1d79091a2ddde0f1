"""Where do I add a ...: the table in docs/architecture.md, made from the tests that add a dummy of each kind.

    python -m tests.test_where_to_add      writes the table

Each `test_*one_file_one_line.py` names its kinds in `ROWS`: the kind, the one file, and the one line.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "architecture.md"
HEADING = "## Where do I add …"
Row = tuple[str, str, str]


def rows() -> list[Row]:
    """The rows of all tests, sorted by kind."""
    found: list[Row] = []
    for file in sorted((ROOT / "tests").rglob("test_*one_file_one_line.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ROWS":
                found += ast.literal_eval(node.value)
    return sorted(found, key=lambda row: row[0].split(" ", 1)[-1])


def table() -> str:
    """The table in Markdown."""
    lines = ["| … | the one file | the one line |", "|---|---|---|"]
    for kind, file, line in rows():
        place, _, code = line.partition(": ")
        lines.append(f"| {kind} | `{file}` | `{code}` in `{place}` |" if code else f"| {kind} | `{file}` | {line} |")
    return "\n".join(lines) + "\n"


def parts() -> tuple[str, str, str]:
    """The document before the table, the table, and after it."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(HEADING)
    intro, bar, body = rest.partition("| … |")
    shown, _, after = (bar + body).partition("\n\n")
    return f"{before}{HEADING}{intro}", f"{shown}\n", after


def test_the_table_is_the_one_that_the_tests_make() -> None:
    assert parts()[1] == table(), "write it again: python -m tests.test_where_to_add"


def test_every_place_in_the_table_exists() -> None:
    """The line's file holds the registry, and the folder of the one file is there."""
    for kind, file, line in rows():
        place, _, code = line.partition(": ")
        folder = (ROOT / place).parent
        files = folder.glob("*.py") if "<" in place else [ROOT / place]
        text = "".join(path.read_text(encoding="utf-8") for path in files)
        registry = code.split(".add")[0].split("(")[0].lstrip("@")
        assert registry in text, f"{kind}: {registry} is not in {place}"
        assert (ROOT / file).parent.is_dir(), f"{kind}: {file}"


def test_no_kind_is_listed_twice() -> None:
    kinds = [kind for kind, _, _ in rows()]
    assert sorted(set(kinds)) == sorted(kinds)


if __name__ == "__main__":
    before, _, after = parts()
    DOCUMENT.write_text(f"{before}{table()}\n{after}", encoding="utf-8")
