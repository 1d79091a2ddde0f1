"""`sft connections`: the connections to language models that write examples, with a test of each."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.output import print_json, print_table


def connections(
    test: Annotated[bool, typer.Option("--test", help="Test each connection by listing its models.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per connection.")] = False,
) -> None:
    """List the connections to language models; keys are never shown."""
    from core.platform.supervisor import ensure
    from core.services.platform import connections as service

    with ensure(set()):
        listed = [(record, service.test(record.id) if test else None) for record in service.list_connections()]
    if as_json:
        for record, tested in listed:
            result = {"ok": tested.ok, "message": tested.message, "models": tested.models} if tested else {}
            print_json({
                "connection": record.id, "name": record.name, "kind": record.kind, "url": record.base_url,
                "has_key": record.has_key, **result,
            })  # fmt: skip
        return
    print_table(("CONNECTION", "NAME", "KIND", "ADDRESS", "KEY", "TEST" if test else ""), [
        (record.id, record.name, record.kind, record.base_url, "yes" if record.has_key else "-",
         tested.message if tested else "")
        for record, tested in listed
    ])  # fmt: skip
