"""`sft merge MODEL`: merge an adapter into its base, as a full model."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.output import print_json
from core.cli._support.waiting import wait_succeeded


def merge(
    model: Annotated[str, typer.Argument(help="Name or id of a tuned model.", autocompletion=complete("model"))],
    precision: Annotated[
        str, typer.Option(help="float32 (exact), stored (as the base's files), or auto: float32 up to 4 GB.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Merge a LoRA or QLoRA adapter into its unquantized base; the full model is stored beside the adapter."""
    from core.platform.supervisor import ensure
    from core.services.training import merging, models
    from core.services.training.results import MergeResult

    found = models.get_model(model)
    with ensure({"redis", "worker"}, say):
        result = MergeResult.of(wait_succeeded(merging.begin(found.id, precision).id))
    whole = merging.served_id(found.id)
    if as_json:
        sizes = {"size_bytes": result.size_bytes, "logit_difference": result.logit_difference}
        print_json({"model": whole, "from": found.name, **sizes})
    else:
        print(whole)
