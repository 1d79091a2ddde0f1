"""`sft keys`: the keys of the API; create and revoke them."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.output import moment, print_json, print_table


def keys(
    context: typer.Context,
    revoked: Annotated[bool, typer.Option("--revoked", help="Show revoked keys too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per key, one per line.")] = False,
) -> None:
    """List the keys of the API: what each may do, when it was last used; create and revoke them."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.platform import api_keys

    with ensure(set()):
        found = api_keys.list_keys(include_revoked=revoked)
    if as_json:
        for key in found:
            print_json({
                "key": key.id, "name": key.name, "prefix": key.prefix, "scopes": key.scopes, "state": key.state,
                "record_days": key.record_days,
                "created_at": key.created_at, "expires_at": key.expires_at, "last_used_at": key.last_used_at,
            })  # fmt: skip
        return
    print_table(("KEY", "NAME", "BEGINS WITH", "SCOPES", "STATE", "EXPIRES", "LAST USED"), [
        (key.id, key.name, key.prefix, ",".join(key.scopes), key.state, moment(key.expires_at),
         moment(key.last_used_at))
        for key in found
    ])  # fmt: skip


def scope_help() -> str:
    """The help of `--scope`: what each scope allows."""
    from core.services.platform.api_keys import SCOPES

    allowed = "; ".join(f"{scope}: {text[0].lower()}{text[1:]}" for scope, text in SCOPES.items())
    return f"What it may do; repeat the option for several. {allowed}."


def create(
    name: Annotated[str, typer.Option(help="What uses the key, such as “Help desk”.")],
    scope: Annotated[list[str], typer.Option(help=scope_help())],
    days: Annotated[int | None, typer.Option(help="Days until it expires; left out: it does not expire.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Create a key and print it: this is the only time that it is shown."""
    from core.platform.supervisor import ensure
    from core.services.platform import api_keys

    with ensure(set()):
        made = api_keys.create(name=name, scopes=scope, days=days)
    if as_json:
        print_json({"id": made.record.id, "key": made.key, "scopes": made.record.scopes})
        return
    say("Store this key now: it is not shown again.")
    print(made.key)


def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id, beginning or name of a key.")],
) -> None:
    """Refuse a key from now on."""
    from core.platform.supervisor import ensure
    from core.services.platform import api_keys

    with ensure(set()):
        revoked = api_keys.revoke(api_keys.find(key).id)
    say(f"{revoked.prefix}… (“{revoked.name}”) is revoked.")


def record(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id, beginning or name of a key.")],
    days: Annotated[int, typer.Option(help="Until they are deleted; 0: they are not stored.")],
    redact: Annotated[bool, typer.Option("--redact/--no-redact", help="Replace personal data and secrets.")] = True,
) -> None:
    """Store the conversations of a key's programs for some days, or no longer."""
    from core.platform.supervisor import ensure
    from core.services.platform import api_keys

    with ensure(set()):
        changed = api_keys.set_recording(key, days=days, redact=redact)
    kept = f"for {changed.record_days:,} days" if changed.record_days else "no longer"
    say(f"The conversations of {changed.prefix}… (“{changed.name}”) are stored {kept}.")


SUBCOMMANDS = (create, record, revoke)
