"""`sft dedupe DATASET`: keep one of each set of equal, or nearly equal, examples."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.changes import change
from core.cli._support.completing import complete


def dedupe(
    dataset: Annotated[str, typer.Argument(help="Name or id of a dataset.", autocompletion=complete("dataset"))],
    near: Annotated[bool, typer.Option("--near", help="Also remove near duplicates.")] = False,
    threshold: Annotated[float, typer.Option(help="With --near: minimum similarity, 0.5 to 1.")] = 0.8,
    keep: Annotated[str, typer.Option(help="Which one to keep: first, last or longest.")] = "first",
    why: Annotated[str, typer.Option(help="A sentence for the history.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Remove duplicates from a dataset, as a new version."""
    from core.data.editing import Dedupe, make

    operation = make(Dedupe, kind="near" if near else "exact", threshold=threshold, keep=keep)
    change(dataset, operation, why=why, dry_run=dry_run, as_json=as_json)
