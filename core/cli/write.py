"""`sft write FILE`: a language model writes labeled examples from the rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.changes import ingested, print_dataset
from core.cli._support.money import OverBudget
from core.cli._support.output import print_json
from core.cli._support.settings import Texts, assign
from core.cli._support.waiting import wait_for
from core.data import formats
from core.errors import DataError, JobError
from core.text import range_usd

if TYPE_CHECKING:
    from core.platform.tasks.records import TaskRecord
    from core.services.data.smart.records import SmartEstimate


def write(
    file: Annotated[Path, typer.Argument(help=f"{formats.labels()} file.")],
    name: Annotated[str, typer.Option(help="Name of the new dataset.")] = "",
    model: Annotated[
        str, typer.Option(help="The model that writes, as its connection names it. Default: its first one that can.")
    ] = "",
    connection: Annotated[str, typer.Option(help="Name or id of a connection; default: this studio.")] = "studio",
    column: Annotated[
        Texts,
        typer.Option(metavar="COL", help="A column the model sees; may be repeated. Default: all."),
    ] = None,
    pattern: Annotated[
        Texts,
        typer.Option(help="A question with {{column}} in it; may be repeated. Default: the model writes them."),
    ] = None,
    system: Annotated[str, typer.Option(help="System message of every example.")] = "",
    settings: Annotated[
        Texts,
        typer.Option("--set", metavar="K=V", help="A setting, such as examples_per_row=2; may be repeated."),
    ] = None,
    over_budget: OverBudget = "",
    estimate: Annotated[bool, typer.Option("--estimate", help="Only estimate; send no requests.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    *,
    reading: formats.Reading,
) -> None:
    """Let a language model write 1 to 5 labeled examples from each row of a table."""
    from core.platform.supervisor import ensure
    from core.services.data import smart, sources
    from core.services.platform import budgets, connections, drafts

    if not name and not estimate:
        raise DataError("The new dataset has no name.", "Set it with --name.", field="name")
    source = ingested(file, reading)
    with ensure(set()):
        chosen = next((item for item in connections.list_connections() if connection in (item.id, item.name)), None)
        used = chosen.id if chosen else connections.get(connection).id
        model = model or _default_model(used)
    columns = tuple(column or [item.name for item in sources.analyze(source.id).columns if item.filled])
    values = {"connection_id": used, "model": model, "columns": columns, "system": system}
    (more,) = assign(settings or [], smart.SmartRecipe)
    recipe = smart.SmartRecipe.of({**values, "patterns": tuple(pattern or []), **more})
    if estimate:
        return _print_estimate(smart.estimate(source.id, recipe), as_json=as_json)
    with ensure({"redis", "worker", *(["inference"] if used == connections.STUDIO else [])}, say):
        state = {"source_id": source.id, "mode": "smart", "smart": recipe.model_dump(mode="json"), "name": name}
        with budgets.acting(override_reason=over_budget):
            started = smart.start(drafts.create("convert", state, step="convert").id)
        task = wait_for(started.id)
    _report(task, as_json=as_json)


def _default_model(connection_id: str) -> str:
    """The first model of the connection that is large enough to write."""
    from core.platform.supervisor import ensure
    from core.services.data import smart
    from core.services.platform import connections

    with ensure({"inference"} if connection_id == connections.STUDIO else set(), say):
        listed = smart.writing_models(connection_id)
    if found := smart.default_model(listed):
        return found
    if small := next((one for one in listed if one.warning), None):
        remedy = "Name a larger model with --model, or a connection to one with --connection."
        raise DataError(small.warning, remedy, field="model")
    raise DataError("The connection lists no models.", "Name one with --model.", field="model")


def _print_estimate(estimate: SmartEstimate, *, as_json: bool) -> None:
    if as_json:
        return print_json(estimate)
    around = range_usd(estimate.low_usd, estimate.high_usd)
    cost = (
        "the model's price is unknown" if estimate.cost_usd is None else f"about ${estimate.cost_usd:,.4f} ({around})"
    )
    cost = "no charge" if estimate.cost_usd == 0 else cost
    tokens = estimate.prompt_tokens + estimate.completion_tokens
    print(f"{estimate.rows:,} rows, {estimate.calls:,} calls, about {tokens:,} tokens: {cost}")
    say(f"Based on {estimate.basis}.")


def _report(task: TaskRecord, *, as_json: bool) -> None:
    from core.services.data import smart
    from core.services.data.results import DatasetResult

    progress = smart.progress(task.id)
    if task.state != "succeeded":
        message = task.error.get("message") or task.message or f"It is {task.state}."
        remedy = task.error.get("remedy") or "Finished rows are saved; resume the run in Background jobs."
        raise JobError(message, remedy)
    counts = {"ok": progress.ok, "failed": progress.failed, "empty": progress.empty, "duplicate": progress.duplicate}
    facts = {"rows": progress.rows, **counts, "flagged": progress.flagged, "cost_usd": progress.cost_usd}
    print_dataset(DatasetResult.of(task).dataset_id, facts, as_json=as_json)
    if as_json:
        return
    states = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    cost = "" if progress.cost_usd is None or progress.is_free else f"; ${progress.cost_usd:,.4f}"
    say(f"{progress.done:,} rows: {states}; {progress.flagged:,} examples to look at{cost}")
