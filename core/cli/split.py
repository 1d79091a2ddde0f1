"""`sft split DATASET`: divide a dataset into training and validation."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.changes import change
from core.cli._support.completing import complete


def split(
    dataset: Annotated[str, typer.Argument(help="Name or id of a dataset.", autocompletion=complete("dataset"))],
    share: Annotated[float, typer.Option(help="Share of the examples to hold out for validation, 0 to 0.9.")] = 0.1,
    kind: Annotated[
        str, typer.Option(help="near (near duplicates together), random, stratified (by answer) or group.")
    ] = "near",
    by: Annotated[str, typer.Option(help="With --kind group: row, input, system, answer, source or near.")] = "input",
    seed: Annotated[int, typer.Option(help="The same seed gives the same split.")] = 42,
    why: Annotated[str, typer.Option(help="A sentence for the history.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Divide a dataset into training and validation, as a new version; near duplicates stay together."""
    from core.data.editing import Split, make

    operation = make(Split, kind=kind, share=share, seed=seed, by=by)
    change(dataset, operation, why=why, dry_run=dry_run, as_json=as_json)
