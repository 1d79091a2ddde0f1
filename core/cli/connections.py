"""`sft connections`: language models and training services elsewhere: listed, tested, added, removed."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.output import print_json, print_table


def connections(
    context: typer.Context,
    test: Annotated[bool, typer.Option("--test", help="Test each: list its models, and what it trains.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per connection.")] = False,
) -> None:
    """List the connections to language models and training services; keys are never shown."""
    if context.invoked_subcommand:
        return
    from core.platform.supervisor import ensure
    from core.services.platform import connections as service

    with ensure(set()):
        listed = [(record, service.test(record.id) if test else None) for record in service.list_connections()]
    if as_json:
        for record, tested in listed:
            result = {}
            if tested:
                trainable = [base.id for base in tested.trainable]
                result = {"ok": tested.ok, "message": tested.message, "models": tested.models, "trainable": trainable}
            print_json({
                "connection": record.id, "name": record.name, "kind": record.kind, "url": record.base_url,
                "training": record.training, "has_key": record.has_key, **result,
            })  # fmt: skip
        return
    print_table(("CONNECTION", "NAME", "KIND", "ADDRESS", "TRAINS AT", "KEY", "TEST" if test else ""), [
        (record.id, record.name, record.kind, record.base_url, record.training or "-",
         "yes" if record.has_key else "-", f"{tested.message} {tested.remedy}".strip() if tested else "")
        for record, tested in listed
    ])  # fmt: skip


def training_help() -> str:
    """The help of `--training`: the services by their ids."""
    from core.training.providers.hosted_services import HOSTED_SERVICES

    return "The service that trains there: " + ", ".join(f"{one.id} ({one.title})" for one in HOSTED_SERVICES) + "."


def add(
    name: Annotated[str, typer.Option(help="The name of the connection.")],
    training: Annotated[str, typer.Option(help=training_help())] = "",
    url: Annotated[str, typer.Option(help="The address; left out: the default of the service.")] = "",
    key_env: Annotated[str, typer.Option(help="The environment variable with the key, instead of entering it.")] = "",
    kind: Annotated[str, typer.Option(help="openai or ollama.")] = "openai",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Add a connection. Without --key-env, the key is read from the first line of standard input; it may be empty."""
    from core.platform.supervisor import ensure
    from core.services.platform import connections as service

    key = None if key_env else typer.get_text_stream("stdin").readline().strip()
    with ensure(set()):
        made = service.save(name=name, kind=kind, base_url=url, key=key, key_env=key_env, training=training)
    if as_json:
        print_json({"connection": made.id, "name": made.name, "url": made.base_url, "training": made.training})
        return
    say(f"“{made.name}” is saved as {made.id}. Test it: sft connections --test")


def remove(connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="Id of a connection.")]) -> None:
    """Delete a connection with its key."""
    from core.platform.supervisor import ensure
    from core.services.platform import connections as service

    with ensure(set()):
        name = service.get(connection).name
        service.delete(connection)
    say(f"“{name}” is deleted.")


SUBCOMMANDS = (add, remove)
