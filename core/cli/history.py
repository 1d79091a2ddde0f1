"""`sft history DATASET`: what happened to a dataset, version by version."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.changes import described
from core.cli._support.completing import complete
from core.cli._support.output import moment, print_json, print_table


def history(
    dataset: Annotated[str, typer.Argument(help="Name or id of a dataset.", autocompletion=complete("dataset"))],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per version, one per line.")] = False,
) -> None:
    """List the versions of a dataset with what changed and why, the newest first."""
    from core.platform.supervisor import ensure
    from core.services.data.datasets import edits as dataset_edits

    with ensure(set()):
        found = dataset_edits.history(dataset)
    if as_json:
        for change in found:
            print_json(described(change))
        return
    print_table(("VERSION", "EXAMPLES", "MADE", "WHAT", "WHY"), [
        (change.version.number, f"{change.version.examples:,}", moment(change.version.created_at), change.what,
         change.why)
        for change in found
    ])  # fmt: skip
