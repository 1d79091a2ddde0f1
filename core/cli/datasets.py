"""`sft datasets`: all datasets, newest first; rename, archive, restore and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.managing import Managed, naming, shelving
from core.cli._support.output import moment, print_json, print_table

if TYPE_CHECKING:
    from core.services.data.datasets import DatasetRecord


def datasets(
    context: typer.Context,
    archived: Annotated[bool, typer.Option("--archived", help="Show archived datasets too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per dataset, one a line.")] = False,
) -> None:
    """List datasets with their newest version, size and state."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.data import datasets as service

    with ensure(set()):
        listed = service.list_datasets(include_archived=archived)
    if as_json:
        for item in listed:
            print_json({
                "dataset": item.id, "name": item.name, "state": item.state, "origin": item.origin,
                "version": item.version.id, "examples": item.examples, "train": item.version.train_examples,
                "validation": item.version.validation_examples, "test": item.version.test_examples,
                "updated_at": item.updated_at, "archived": item.archived_at is not None,
            })  # fmt: skip
        return
    print_table(("DATASET", "NAME", "VERSION", "EXAMPLES", "VALIDATION", "STATE", "CHANGED"), [
        (item.id, item.name, item.version.number, f"{item.examples:,}", f"{item.version.validation_examples:,}",
         item.state, moment(item.updated_at))
        for item in listed
    ])  # fmt: skip


def _service() -> Any:
    from core.services.data import datasets as service

    return service


def _find(dataset: str) -> DatasetRecord:
    from core.services.data import datasets as service

    return service.get_dataset(dataset)


DATASET = Managed("dataset", _service, _find)
SUBCOMMANDS = (*naming(DATASET), *shelving(DATASET))
