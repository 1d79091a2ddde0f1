"""`sft shutdowns`: the calendar of models that their providers switch off."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.money import OverBudget
from core.cli._support.output import print_json, print_table


def shutdowns(
    context: typer.Context,
    used: Annotated[bool, typer.Option("--used", help="Only models that are used here.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per model.")] = False,
) -> None:
    """List the models that go dark, the next one first; enter a date, record a model's answers."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.serving import shutdowns as service

    with ensure(set()):
        found = service.calendar(used_only=used)
    if as_json:
        for record in found:
            print_json({
                "host": record.host, "model": record.model, "shutdown_on": record.shutdown_on,
                "jobs_end_on": record.jobs_end_on, "days_left": record.days_left, "origin": record.origin,
                "source": record.source, "seen_on": record.seen_on, "used_by": [use.title for use in record.used_by],
            })  # fmt: skip
        return
    print_table(("MODEL", "PROVIDER", "GOES DARK", "DAYS LEFT", "NO NEW JOBS FROM", "USED BY"), [
        (record.model, record.host, record.shutdown_on, "off" if record.is_off else str(record.days_left),
         record.jobs_end_on, ", ".join(dict.fromkeys(use.title for use in record.used_by)))
        for record in found
    ])  # fmt: skip


def enter(
    host: Annotated[str, typer.Argument(metavar="HOST", help="The provider, such as api.openai.com.")],
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model, such as gpt-4o.")],
    on: Annotated[str, typer.Option(help="The day, such as 2027-01-14.")],
    jobs_end: Annotated[str, typer.Option(help="From this day on, no new job can be created.")] = "",
    source: Annotated[str, typer.Option(help="Where the provider says so.")] = "",
) -> None:
    """Enter or change a date; a provider's list does not overwrite it."""
    from core.platform.supervisor import ensure
    from core.services.serving import shutdowns as service

    with ensure(set()):
        record = service.save(host=host, model=model, shutdown_on=on, jobs_end_on=jobs_end, source=source)
    say(f"{record.model} goes dark on {record.shutdown_on}.")


def answers(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As `sft evaluate` takes it.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Id of a dataset.")],
    split: Annotated[str, typer.Option(help="test or validation")] = "test",
    over_budget: OverBudget = "",
) -> None:
    """Record a model's answers as an evaluation, before it goes dark."""
    from core.platform.supervisor import ensure
    from core.services.platform import budgets
    from core.services.serving import shutdowns as service

    with ensure({"redis"}, say), budgets.acting(override_reason=over_budget):
        made = service.record_answers(model, dataset, split)
    say(f"Its answers are recorded as the evaluation {made.id}; it runs as a background job.")


SUBCOMMANDS = (enter, answers)
