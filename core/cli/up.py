"""`sft up`: run the studio."""

from __future__ import annotations

import sys

import typer


def up() -> None:
    """Start the studio (web app, workers, inference, Redis) and print its address; Ctrl-C stops everything."""
    from core.platform import supervisor

    def say(text: str) -> None:
        print(text, file=sys.stdout, flush=True)

    raise typer.Exit(supervisor.up(say))
