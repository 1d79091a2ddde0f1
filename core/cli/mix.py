"""`sft mix DATASET[=WEIGHT]...`: a new dataset from several."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.changes import print_newest
from core.cli._support.waiting import wait_succeeded
from core.errors import DataError


def mix(
    parts: Annotated[list[str], typer.Argument(help="Names or ids of datasets, optionally each with =WEIGHT.")],
    name: Annotated[str, typer.Option(help="Name of the new dataset.")],
    total: Annotated[
        int,
        typer.Option(
            min=0,
            help="Total number of examples; weights are then shares of it. 0: weights say how often each is used.",
        ),
    ] = 0,
    distinct: Annotated[
        bool, typer.Option("--distinct", help="Leave out examples whose input an earlier dataset has.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed draws the same examples.")] = 42,
    description: Annotated[str, typer.Option(help="A sentence about the dataset.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Mix several datasets into a new one, each with its weight."""
    from core.platform.supervisor import ensure
    from core.services.data import datasets
    from core.services.data.datasets import edits as dataset_edits
    from core.services.data.results import DatasetResult

    weighted = []
    for part in parts:
        dataset, weight = _part(part)
        weighted.append((datasets.get_dataset(dataset).version.id, weight))
    with ensure({"worker-cpu"}, say):
        task = dataset_edits.mix(name, weighted, total or None, seed, description, distinct=distinct)
        result = DatasetResult.of(wait_succeeded(task.id))
    print_newest(result.dataset_id, as_json=as_json)


def _part(text: str) -> tuple[str, float]:
    """`NAME=2` -> ("NAME", 2.0); without a number the weight is 1, and the name may contain a `=`."""
    name, sign, weight = text.rpartition("=")
    if not sign:
        return text, 1.0
    try:
        return name, float(weight)
    except ValueError:
        raise DataError(f"{weight!r} in {text!r} is not a weight.", "Write a number, such as faq=2.") from None
