"""`sft undo DATASET`: undo the newest change, or restore an older version."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.changes import print_newest
from core.errors import NotFound


def undo(
    dataset: Annotated[str, typer.Argument(help="Name or id of a dataset.")],
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
            older = next((item for item in datasets.versions(found.id) if item.number == to), None)
            if older is None:
                text = f"“{found.name}” does not have a version {to}."
                raise NotFound(text, f"It has versions 1 to {found.version.number}.")
            dataset_edits.restore(older.id, base_version_id=found.version.id)
        else:
            dataset_edits.undo(found.id, base_version_id=found.version.id)
        print_newest(found.id, as_json=as_json)
