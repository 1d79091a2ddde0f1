"""`sft datasets`: all datasets, newest first."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.output import moment, print_json, print_table


def datasets(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per dataset, one a line.")] = False,
) -> None:
    """List datasets with their newest version, size and state."""
    from core.platform.supervisor import ensure
    from core.services.data import datasets as service

    with ensure(set()):
        listed = service.list_datasets()
    if as_json:
        for item in listed:
            print_json({
                "dataset": item.id, "name": item.name, "state": item.state, "origin": item.origin,
                "version": item.version.id, "examples": item.examples, "train": item.version.train_examples,
                "validation": item.version.validation_examples, "test": item.version.test_examples,
                "updated_at": item.updated_at,
            })  # fmt: skip
        return
    print_table(("DATASET", "NAME", "VERSION", "EXAMPLES", "VALIDATION", "STATE", "CHANGED"), [
        (item.id, item.name, item.version.number, f"{item.examples:,}", f"{item.version.validation_examples:,}",
         item.state, moment(item.updated_at))
        for item in listed
    ])  # fmt: skip
