"""`sft connections`: the language models that can write examples, and whether they answer."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli._support.output import print_json, print_table


def register(app: typer.Typer) -> None:
    @app.command()
    def connections(
        test: Annotated[bool, typer.Option("--test", help="Ask each one for its models.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per connection.")] = False,
    ) -> None:
        """List the connections to language models; keys are never shown."""
        from core.platform.supervisor import ensure
        from core.services.platform import connections as service

        with ensure(set()):
            found = [(record, service.test(record.id) if test else None) for record in service.list_connections()]
        if as_json:
            for record, told in found:
                facts = {"connection": record.id, "name": record.name, "kind": record.kind, "url": record.base_url}
                facts["has_key"] = record.has_key  # type: ignore[assignment]
                tested = {"ok": told.ok, "message": told.message, "models": told.models} if told else {}
                print_json({**facts, **tested})
            return
        rows = [
            (
                record.id,
                record.name,
                record.kind,
                record.base_url,
                "yes" if record.has_key else "-",
                told.message if told else "",
            )
            for record, told in found
        ]
        print_table(("CONNECTION", "NAME", "KIND", "ADDRESS", "KEY", "TEST" if test else ""), rows)
