"""`sft validate FILE...`: every error and warning in files, before they become datasets."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli._support.output import print_json
from core.data import formats

if TYPE_CHECKING:
    from core.services.data.sources import FileReport


class Profile(StrEnum):
    """Which checks run."""

    studio = "studio"
    openai_cookbook = "openai_cookbook"


def validate(
    files: Annotated[list[Path], typer.Argument(help=f"{formats.labels()} files.")],
    profile: Annotated[
        Profile,
        typer.Option(help="studio: every check. openai_cookbook: only the seven checks of OpenAI's cookbook."),
    ] = Profile.studio,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per file, one per line.")] = False,
    *,
    reading: formats.Reading,
) -> None:
    """Check files to their end and list every finding with its line and its remedy.

    Exit code: 0 all valid, 1 errors, 2 an unreadable file; the highest of all files.
    The codes are explained in docs/findings.md.
    """
    from core.services.data import sources

    worst = 0
    for file in files:
        if profile is Profile.openai_cookbook:
            worst = max(worst, _cookbook(file, as_json=as_json))
            continue
        report = sources.inspect(file, reading)
        worst = max(worst, report.exit_code)
        if as_json:
            print_json(report.to_dict())
        else:
            _print_report(report)
    raise typer.Exit(worst)


def _print_report(report: FileReport) -> None:
    kind = ", ".join(part for part in (report.format, report.encoding) if part) or "not read"
    print(f"{report.file}: {kind}; {report.read} read = {report.accepted} accepted + {report.rejected} left out")
    for found in report.findings:
        place = f"line {found.line}" if found.line else "the file"
        place += f", {found.field}" if found.field else ""
        print(f"  {found.severity:<7}  {place}: {found.message} {found.remedy}  [{found.code}]")


def _cookbook(file: Path, *, as_json: bool) -> int:
    """Check one file by the profile, print the report, and return the exit code."""
    from core.services.data.sources import chat_lines

    report = chat_lines.check_by_cookbook(file)
    if as_json:
        found = [{"line": item.line, "check": item.check} for item in report.findings]
        content = {"file": str(file), "profile": "openai_cookbook", "read": report.read, "counts": report.counts()}
        print_json({**content, "findings": found})
    else:
        print(f"{file}: {report.read} lines by the cookbook's checks; {len(report.findings)} findings")
        for item in report.findings:
            print(f"  line {item.line}: {item.check}")
    return int(bool(report.findings))
