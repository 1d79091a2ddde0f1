"""`sft undo DATASET`: undo the newest change, or restore an older version."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.changes import numbered, print_newest
from core.cli._support.completing import complete


def undo(
    dataset: Annotated[str, typer.Argument(help="Name or id of a dataset.", autocompletion=complete("dataset"))],
    to: Annotated[int, typer.Option(min=0, help="Restore this version instead; 0: undo once.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Undo the newest change of a dataset. Nothing is lost: undoing makes a new version."""
    from core.platform.supervisor import ensure
    from core.services.data import datasets
    from core.services.data.datasets import edits as dataset_edits

    with ensure(set()):
        found = datasets.get_dataset(dataset)
        if to:
            dataset_edits.restore(numbered(found, to).id, base_version_id=found.version.id)
        else:
            dataset_edits.undo(found.id, base_version_id=found.version.id)
        print_newest(found.id, as_json=as_json)
