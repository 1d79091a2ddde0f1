"""All codes in one table, and the page of it."""

from __future__ import annotations

from typing import Final

from core.data.findings.code import Code
from core.data.findings.examples import OF_EXAMPLES
from core.data.findings.files import OF_FILES

GROUPS: Final[dict[str, tuple[Code, ...]]] = {**OF_FILES, **OF_EXAMPLES}


def _table() -> dict[str, Code]:
    table: dict[str, Code] = {}
    for code in (code for codes in GROUPS.values() for code in codes):
        if code.id in table:
            raise ValueError(f"finding code {code.id!r} is in the table twice")
        table[code.id] = code
    return table


CODES: Final[dict[str, Code]] = _table()


def document() -> str:
    """docs/findings.md as the table has it."""
    lines = [
        "# Findings",
        "",
        "What the studio can find in a file, a row, an example or a set of examples. The codes are stable: scripts",
        "may test for them. `error` rejects the row (or keeps the whole file or set from being used), `warning` keeps",
        "it and says why to look, `info` only tells. Written by `python -m core.data.findings > docs/findings.md`.",
    ]
    for title, codes in GROUPS.items():
        lines += ["", f"## {title}", "", "| code | severity | meaning | what to do |", "|---|---|---|---|"]
        lines += [f"| `{code.id}` | {code.severity} | {code.meaning} | {code.remedy} |" for code in codes]
    return "\n".join(lines) + "\n"
