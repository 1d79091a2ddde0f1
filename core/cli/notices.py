"""`sft notices`: the targets that notices are sent to; add, test and remove one."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.output import moment, print_json, print_table


def notices(
    context: typer.Context,
    recent: Annotated[
        int, typer.Option(min=0, max=200, help="Print the newest notices instead, at most this many.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List the targets that notices are sent to, or the newest notices; add, test and remove targets."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.platform import notices as service

    with ensure(set()):
        told = service.newest(limit=recent) if recent else []
        targets = [] if recent else service.list_targets()
    if as_json:
        for notice in told:
            print_json({
                "id": notice.id, "kind": notice.kind, "title": notice.title, "text": notice.text, "link": notice.link,
                "person": notice.person, "created_at": notice.created_at,
            })  # fmt: skip
        for target in targets:
            print_json({
                "target": target.id, "name": target.name, "service": target.service, "shown": target.shown,
                "kinds": target.kinds, "enabled": target.enabled, "failures": target.failures, "error": target.error,
                "delivered_at": target.delivered_at,
            })  # fmt: skip
    elif recent:
        print_table(("NOTICE", "WHEN", "TITLE"), [(each.kind, moment(each.created_at), each.title) for each in told])
    else:
        print_table(("TARGET", "NAME", "SERVICE", "ADDRESS", "STATE", "LAST DELIVERY"), [
            (target.id, target.name, target.service, target.address_env or target.shown or "stored",
             target.error if target.failures else "on" if target.enabled else "paused", moment(target.delivered_at))
            for target in targets
        ])  # fmt: skip


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How the target is called.")],
    service: Annotated[str, typer.Option(help="mail, webhook, slack, teams, discord, ...")],
    address_env: Annotated[str, typer.Option(help="The variable SFT_NOTICE_… that holds the address.")] = "",
    kind: Annotated[
        list[str] | None, typer.Option(help="What it receives; repeat it for several. Default: all.")
    ] = None,
    person: Annotated[str, typer.Option(help="Only what concerns this person or everyone.")] = "",
) -> None:
    """Add a target. Its address is read from standard input, because it contains passwords or tokens."""
    from core.platform.supervisor import ensure
    from core.services.platform import notices as service_

    address = None
    if not address_env:
        address = typer.prompt("Address", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    with ensure(set()):
        made = service_.save(
            name=name, service=service, address=address, address_env=address_env, kinds=kind or None, person=person
        )
    say(f"“{made.name}” receives notices. Try it:  sft notices test {made.id}")


def test(target: Annotated[str, typer.Argument(metavar="TARGET", help="Id or name of a target.")]) -> None:
    """Send a test message to a target."""
    from core.errors import ProviderError
    from core.platform.supervisor import ensure
    from core.services.platform import notices as service

    with ensure(set()):
        result = service.test(target)
    if not result.ok:
        raise ProviderError(result.message, result.remedy)
    say(f"{result.message} {result.remedy}")


def remove(target: Annotated[str, typer.Argument(metavar="TARGET", help="Id or name of a target.")]) -> None:
    """Delete a target and its address."""
    from core.platform.supervisor import ensure
    from core.services.platform import notices as service

    with ensure(set()):
        found = service.get(target)
        service.delete(found.id)
    say(f"“{found.name}” was deleted.")


SUBCOMMANDS = (add, test, remove)
