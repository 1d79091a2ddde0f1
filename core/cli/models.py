"""`sft models`: the fine-tuned models; rename, archive, restore and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.managing import Managed, naming, shelving
from core.cli._support.output import moment, print_json, print_table
from core.text import format_loss

if TYPE_CHECKING:
    from core.services.training.models import ModelRecord


def models(
    context: typer.Context,
    archived: Annotated[bool, typer.Option("--archived", help="Show archived models too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per model, one per line.")] = False,
) -> None:
    """List tuned models with their base, dataset and final loss."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.training import models as service

    with ensure(set()):
        found = service.list_models(include_archived=archived)
    if as_json:
        for model in found:
            print_json({
                "model": model.id, "name": model.name, "state": model.state, "base": model.base_model,
                "method": model.method, "dataset": model.dataset_name, "job": model.job_id, "loss": model.final_loss,
                "size_bytes": model.size_bytes, "created_at": model.created_at,
            })  # fmt: skip
        return
    print_table(("MODEL", "NAME", "STATE", "BASE", "LOSS", "CREATED"), [
        (model.id, model.name, model.state, model.base_model,
         "-" if model.final_loss is None else format_loss(model.final_loss), moment(model.created_at))
        for model in found
    ])  # fmt: skip


def _service() -> Any:
    from core.services.training import models as service

    return service


def _find(model: str) -> ModelRecord:
    from core.services.training import models as service

    return service.get_model(model)


MODEL = Managed("model", _service, _find)
SUBCOMMANDS = (*naming(MODEL), *shelving(MODEL))
