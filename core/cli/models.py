"""`sft models`: the fine-tuned models; download, rename, archive, restore and delete them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.managing import Managed, naming, shelving
from core.cli._support.output import moment, print_json, print_table
from core.cli._support.waiting import wait_succeeded
from core.serving.model_formats import MODEL_FORMATS
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


FORMATS = f"One of: {', '.join(MODEL_FORMATS.ids())}."
ONE = Annotated[str, typer.Argument(help="Name or id of a model.", autocompletion=complete("model"))]


def download(
    model: ONE,
    format: Annotated[str, typer.Option(help=FORMATS)] = "adapter",
    formats: Annotated[bool, typer.Option("--formats", help="List the formats of this model, and stop.")] = False,
    out: Annotated[Path | None, typer.Option(help="Zip file to write; left out: a name in this folder.")] = None,
) -> None:
    """Write a model as a zip file, with model card and checksums; formats that need it are converted first."""
    from core.platform.supervisor import ensure
    from core.services.serving import model_files

    with ensure(set()):
        found = _find(model)
        choices = model_files.choices(found)
    if formats:
        print_table(("FORMAT", "POSSIBLE", ""), [
            (choice.id, "yes" if choice.ok else "no", choice.text if choice.ok else choice.reason)
            for choice in choices
        ])  # fmt: skip
        return
    chosen = model_files.check(found, format)
    if not next(choice for choice in choices if choice.id == chosen.id).quick:
        with ensure({"redis", "worker"}, say):
            wait_succeeded(model_files.begin(found.id, chosen.id).id)
    with ensure(set()):
        file = model_files.download(found.id, chosen.id)
    target = out or Path(file.filename)
    with target.open("wb") as stream:
        stream.writelines(file.blocks())
    print(target)


MODEL = Managed("model", _service, _find)
SUBCOMMANDS = (download, *naming(MODEL), *shelving(MODEL))
