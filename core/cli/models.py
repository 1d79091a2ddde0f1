"""`sft models`: the fine-tuned models; list, deploy, tag, download, rename, archive, restore and delete them."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.managing import Managed, naming, shelving
from core.cli._support.money import OverBudget
from core.cli._support.output import moment, print_json, print_table
from core.cli._support.waiting import wait_succeeded
from core.serving.model_formats import MODEL_FORMATS
from core.serving.targets import TARGETS
from core.serving.targets.publishing import PublishingTarget
from core.text import format_loss

if TYPE_CHECKING:
    from core.services.training.models import ModelRecord


ARCHIVED = Annotated[bool, typer.Option("--archived", help="Show archived models too.")]
AS_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object per model, one per line.")]


def models(context: typer.Context, archived: ARCHIVED = False, as_json: AS_JSON = False) -> None:
    """List tuned models with their base, dataset, final loss and scores; act on them."""
    if context.invoked_subcommand is None:
        _list(archived=archived, as_json=as_json)


def list(
    archived: ARCHIVED = False,
    tag: Annotated[str, typer.Option(help="Only models with this tag.")] = "",
    as_json: AS_JSON = False,
) -> None:
    """List tuned models, newest first."""
    _list(archived=archived, tag=tag, as_json=as_json)


def _list(*, archived: bool, as_json: bool, tag: str = "") -> None:
    from core.platform.supervisor import ensure
    from core.services.training import models as service

    with ensure(set()):
        found = service.list_models(include_archived=archived, tag=tag)
        scores = service.scores_of(found)
    if as_json:
        for model in found:
            print_json({
                "model": model.id, "name": model.name, "state": model.state, "line": model.line_id,
                "version": model.version, "tags": model.tags, "notes": model.notes, "base": model.base_model,
                "method": model.method, "dataset": model.dataset_name, "job": model.job_id, "loss": model.final_loss,
                "scores": [
                    {"title": score.title, "part": score.part, "main": score.main, "metric": score.tuned.metric,
                     "tuned": score.tuned.value, "base": score.base.value if score.base else None,
                     "answers": score.tuned.total, "evaluation": score.evaluation_id}
                    for score in scores[model.id]
                ],
                "size_bytes": model.size_bytes, "created_at": model.created_at,
            })  # fmt: skip
        return
    print_table(("MODEL", "NAME", "VERSION", "STATE", "BASE", "LOSS", "SCORES", "TAGS", "CREATED"), [
        (model.id, model.name, model.version, model.state, model.base_model,
         "-" if model.final_loss is None else format_loss(model.final_loss),
         ", ".join(f"{score.title} {score.tuned.text}" for score in scores[model.id] if score.main) or "-",
         ",".join(model.tags) or "-", moment(model.created_at))
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


THERE = Annotated[bool, typer.Option("--there", help="At the service that trained it, where that offers it.")]


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


TARGET = f"One of: {', '.join(target.id for target in TARGETS if isinstance(target, PublishingTarget))}."


def publish(
    model: ONE,
    target: Annotated[str, typer.Option(help=TARGET)] = "llama_cpp",
    connection: Annotated[str, typer.Option(help="Name of a connection of Settings, for a target elsewhere.")] = "",
    targets: Annotated[bool, typer.Option("--targets", help="List the targets for this model, and stop.")] = False,
) -> None:
    """Publish a model to a target, and compare its greedy answers with the studio's."""
    from core.platform.supervisor import ensure
    from core.services.serving import publishing

    with ensure(set()):
        found = _find(model)
        choices = publishing.targets(found)
    if targets:
        print_table(("TARGET", "POSSIBLE", ""), [
            (choice.id, "yes" if choice.ok else "no", choice.reason) for choice in choices
        ])  # fmt: skip
        return
    with ensure(set()):
        server = publishing.connection_id(target, connection)
    with ensure({"redis", "worker", "inference"}, say):
        wait_succeeded(publishing.begin(found.id, target, server).id)
    with ensure(set()):
        newest = next(one for one in reversed(publishing.published(found.id)) if one.target == target)
    say(newest.smoke.summary)
    if (first := newest.smoke.first_difference) is not None:
        say(f"First difference: {first.question}")
        say(f"  studio: {first.studio}")
        say(f"  target: {first.target}")
        say(f"  {first.cause}")
    print(newest.name)


def retire(
    model: ONE,
    target: Annotated[str, typer.Option(help=TARGET)] = "llama_cpp",
    address: Annotated[str, typer.Option(help="Of the server, where the model is published on several.")] = "",
    there: THERE = False,
) -> None:
    """Remove a model from a target; it stays in the studio."""
    from core.platform.supervisor import ensure
    from core.services.serving import publishing

    if there:
        with ensure(set()):
            retired = publishing.there.retire(_find(model).id)
        say(f"{retired.name} was retired at {retired.address}.")
        return
    with ensure(set()):
        done = publishing.retire(_find(model).id, target, address)
    say(f"{done.name} was removed from {done.address or 'llama.cpp in this studio'}.")


def test(model: ONE, over_budget: OverBudget = "") -> None:  # noqa: PT028  a verb
    """Let a model and its base answer the test split of its dataset; prints its scores."""
    from core.platform.supervisor import ensure
    from core.services.platform import budgets
    from core.services.serving.evaluating import testing
    from core.services.training import models as service

    with ensure({"redis", "worker"}, say):
        found = _find(model)
        with budgets.acting(override_reason=over_budget):
            started = testing.start(found.id)
        wait_succeeded(started.task_id)
    with ensure(set()):
        scores = service.scores(found)
    print_table(("FIGURE", "PART", "TUNED", "BASE", "ANSWERS"), [
        (score.title, score.part or "-", score.tuned.text, score.base.text if score.base else "-", score.tuned.total)
        for score in scores
    ])  # fmt: skip


def deploy(model: ONE, there: THERE = False) -> None:
    """Let a model answer, restoring it if it is archived; prints the API's base URL and the model's name there."""
    from core.platform.supervisor import ensure
    from core.services.serving import from_code
    from core.services.serving.publishing import there as at_service

    if there:
        with ensure({"redis", "worker"}, say):
            found = _find(model)
            wait_succeeded(at_service.begin(found.id).id)
        with ensure(set()):
            deployed = at_service.deployed(found.id)
        if deployed is not None:
            say(deployed.smoke.summary)
            print(f"{deployed.address}  {deployed.name}")
        return
    with ensure(set()):
        done = from_code.deploy(_find(model).id)
    print(f"{done.base_url}  {done.name}")
    if not done.process.ok:
        say(f"{done.process.reason} Start it with `sft up`.")


def tag(
    model: ONE,
    tags: Annotated[
        builtins.list[str] | None, typer.Argument(metavar="TAG...", help="Short words; left out: only print the tags.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove these tags instead of adding them.")] = False,
) -> None:
    """Add tags to a model, or remove them; prints its tags."""
    from core.platform.supervisor import ensure
    from core.services.training import models as service

    with ensure(set()):
        found = _find(model)
        if tags:
            found = (service.remove_tags if remove else service.add_tags)(found.id, tags)
    print(" ".join(found.tags))


MODEL = Managed("model", _service, _find)
SUBCOMMANDS = (list, test, deploy, tag, download, publish, retire, *naming(MODEL), *shelving(MODEL))
