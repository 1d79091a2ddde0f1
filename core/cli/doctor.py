"""`sft doctor`: checks of this machine, each with the command that fixes a problem."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

_MARKS = {"ok": "ok     ", "note": "note   ", "missing": "MISSING"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Check this machine; exit code 1 if something that the studio needs is missing."""
    from core.services.platform.doctor import examine

    checks = examine()
    if as_json:
        print(json.dumps({"checks": [asdict(check) for check in checks]}))
    else:
        for check in checks:
            print(f"{_MARKS[check.state]}  {check.name:<14} {check.found}")
            if check.remedy:
                print(f"{'':<9}{'':<14} -> {check.remedy}")
    raise typer.Exit(int(any(check.state == "missing" for check in checks)))
