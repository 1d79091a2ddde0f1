"""The catalog as documents: docs/findings.md, and the tables of docs/quality.md."""

from __future__ import annotations

from collections.abc import Iterable

from core.data.issues import ISSUES, Fix, Issue

_ESCAPED = str.maketrans({"|": "\\|", "<": "\\<"})


def findings() -> str:
    """docs/findings.md."""
    lines = [
        "# Findings",
        "",
        "Everything that the studio can find in a file, a row, an example or a set of examples. The codes are stable:",
        "scripts may test for them. An `error` rejects the row (or makes the file or the set unusable), a `warning`",
        "keeps it and says why to look at it, an `info` only informs. Written by `python -m core.data.issues`.",
    ]
    for subject in dict.fromkeys(issue.subject for issue in ISSUES):
        lines += ["", f"## {subject}", ""]
        lines += _table(
            ("code", "severity", "issue", "meaning", "what to do"),
            (
                (f"`{issue.code}`", issue.severity, issue.title, issue.meaning, issue.remedy)
                for issue in ISSUES
                if issue.subject == subject
            ),
        )
    return "\n".join(lines) + "\n"


def quality() -> str:
    """The part of docs/quality.md that lists what the report finds."""
    return "\n".join(
        _table(
            ("issue", "severity", "costs points in", "fixes"),
            (
                (issue.title, issue.severity, _cost(issue), "; ".join(_title(fix) for fix in issue.fixes))
                for issue in ISSUES
                if issue.check is not None or issue.rule is not None
            ),
        )
    )


def _title(fix: Fix) -> str:
    return fix.title.format(n="n", examples="n examples", copies="n copies")


def _cost(issue: Issue) -> str:
    if issue.share is None:
        return ""
    return f"{issue.share.part} (x {issue.share.weight:g})" if 0 < issue.share.weight < 1 else issue.share.part


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *(tuple(cell.translate(_ESCAPED) for cell in row) for row in rows)]
    return [f"| {' | '.join(cells)} |" for cells in lines]
