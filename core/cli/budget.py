"""`sft budget`: the budgets of a calendar month, and how much of them is used."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.output import print_json, print_table
from core.text import percent, usd


def budget(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per budget.")] = False,
) -> None:
    """Show the budgets of this calendar month (UTC): what is spent, reserved and left."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.platform import budgets

    with ensure(set()):
        found = budgets.get_budgets()
    if as_json:
        for one in found:
            print_json({"kind": one.kind, "limit_usd": one.limit_usd, "spent_usd": one.spent_usd,
                        "reserved_usd": one.reserved_usd, "state": one.state})  # fmt: skip
        return
    print_table(("BUDGET", "LIMIT", "SPENT", "RESERVED", "USED"), [
        (one.kind, "none" if one.limit_usd is None else usd(one.limit_usd), usd(one.spent_usd),
         usd(one.reserved_usd), "-" if one.share is None else percent(one.share))
        for one in found
    ])  # fmt: skip


def limit(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="studio, training, smart, judging or answers.")],
    amount: Annotated[
        float | None, typer.Argument(metavar="USD", help="US dollars a month; 0 stops paid work.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Remove the limit.")] = False,
) -> None:
    """Limit what paid work may cost in a calendar month (UTC)."""
    from core.errors import SettingsError
    from core.platform.supervisor import ensure
    from core.services.platform import budgets

    if (amount is None) != none:
        raise SettingsError("A limit is an amount or --none.", "For example: sft budget limit training 200.")
    with ensure(set()):
        changed = budgets.set_budget(kind, None if none else amount)
    if changed.limit_usd is None:
        say(f"The budget “{changed.title}” has no limit.")
    else:
        say(f"The budget “{changed.title}” is {usd(changed.limit_usd)} a month; {percent(changed.share)} is used.")


SUBCOMMANDS = (limit,)
