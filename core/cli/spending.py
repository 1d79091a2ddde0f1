"""`sft spending`: what paid work costs, and the prices of hosted training."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.completing import complete
from core.cli._support.money import print_hosted
from core.cli._support.output import moment, print_json, print_table
from core.cli._support.settings import Texts
from core.text import range_usd, usd


def spending(
    context: typer.Context,
    month: Annotated[
        str, typer.Option(metavar="YYYY-MM", help="A calendar month (UTC); left out: this one; all: everything.")
    ] = "",
    by: Annotated[str, typer.Option(help="Sums by day, provider, person or kind; left out: each piece of work.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line for each piece of work.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List paid work of a month with its estimates and bills."""
    if context.invoked_subcommand:
        return
    from core.errors import SettingsError
    from core.platform.supervisor import ensure
    from core.services.platform import spending as service

    with ensure(set()):
        found = service.spending(month)
    if by and by not in found.by:
        raise SettingsError(f"Unknown grouping: {by!r}.", f"Choose one of: {', '.join(sorted(found.by))}.")
    if as_csv:
        sys.stdout.write(service.spending_csv(found).decode())
    elif as_json:
        for entry in found.by[by] if by else found.works:
            print_json(entry)
    elif by:
        rows = [(row.key or "-", row.works, usd(row.spent_usd), usd(row.reserved_usd)) for row in found.by[by]]
        print_table((by.upper(), "PAID WORK", "SPENT", "RESERVED"), rows)
    else:
        print_table(("STARTED", "KIND", "WORK", "AT", "BY", "ESTIMATE", "BILL", "BEYOND THE BUDGET"), [
            (moment(work.created_at), work.kind, work.title or work.what_id, work.provider or "-", work.person or "-",
             range_usd(work.low_usd, work.amount_usd), "open" if work.spent_usd is None else usd(work.spent_usd),
             work.override_reason or "-")
            for work in found.works
        ])  # fmt: skip
        say(f"{usd(found.spent_usd)} spent, {usd(found.reserved_usd)} reserved.")


def estimate(
    dataset: Annotated[str, typer.Option(help="Name or id of a dataset.", autocompletion=complete("dataset"))],
    connection: Annotated[str, typer.Option(help="Name or id of a connection that trains.")],
    base: Annotated[str, typer.Option(help="Id of the base model at the service.")],
    settings: Annotated[
        Texts,
        typer.Option("--set", metavar="K=V", help="A setting of the service, such as n_epochs=3; may be repeated."),
    ] = None,
    method: Annotated[str, typer.Option(help="Of the service, such as lora.")] = "lora",
    ask_service: Annotated[
        bool,
        typer.Option("--ask-service", help="Send the file for the service's own estimate; nothing is trained."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Estimate what training a dataset at a hosted service costs; without --ask-service, nothing is sent."""
    from core.platform.supervisor import ensure
    from core.services.training import cost

    chosen = dict(pair.split("=", 1) for pair in settings or () if "=" in pair)
    with ensure(set()):
        found = cost.estimate_at(connection, base, dataset, chosen, method=method, ask_service=ask_service)
    print_hosted(found, as_json=as_json)


def prices(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per price.")] = False,
) -> None:
    """List the prices of hosted training: those that people entered, then the published ones."""
    from core.platform.supervisor import ensure
    from core.services.training import cost

    with ensure(set()):
        entered = cost.entered()
    if as_json:
        for price in (*entered, *cost.published_prices()):
            print_json(price)
        return
    rows = [(price.connection, price.base_model, usd(price.usd), price.as_of, "entered") for price in entered]
    published = cost.published_prices()
    rows += [(one.service_title, one.base_model, usd(one.usd), one.as_of, one.source) for one in published]
    print_table(("AT", "BASE MODEL", "PER MILLION TOKENS", "AS OF", "SOURCE"), rows)


def price(
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="Name or id of a connection.")],
    base: Annotated[str, typer.Argument(metavar="BASE", help="Id of the base model there; * for every other one.")],
    amount: Annotated[float | None, typer.Argument(metavar="USD", help="For a million training tokens.")] = None,
    as_of: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Day of the price; left out: today.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the entered price.")] = False,
) -> None:
    """Enter, change or remove the price of training a base model at a connection."""
    from core.errors import NotFound, SettingsError
    from core.platform.supervisor import ensure
    from core.services.platform import connections
    from core.services.training import cost

    with ensure(set()):
        if remove:
            record = connections.find(connection)
            found = [one for one in cost.entered() if (one.connection_id, one.base_model) == (record.id, base)]
            if not found:
                raise NotFound(f"No price was entered for {base} at “{record.name}”.", "See `sft spending prices`.")
            cost.delete_price(found[0].id)
            say(f"The price of {base} at “{record.name}” is removed.")
            return
        if amount is None:
            raise SettingsError("No price was given.", "Add US dollars for a million training tokens, or --remove.")
        saved = cost.save_price(connection, base, amount, as_of)
    say(f"{saved.base_model} at “{saved.connection}”: {usd(saved.usd)} per million tokens, as of {saved.as_of}.")


SUBCOMMANDS = (estimate, prices, price)
