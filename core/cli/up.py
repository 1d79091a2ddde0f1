"""`sft up`: run the studio."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from core.cli._support import boundary


def up(
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the studio in a browser once it is running.")
    ] = False,
) -> None:
    """Start the studio (web app, API, workers, inference, Redis) and print its address; Ctrl-C stops everything."""
    from core.platform import supervisor

    def say(text: str) -> None:
        print(text, file=sys.stdout, flush=True)

    raise typer.Exit(supervisor.up(say, _open if open_browser else lambda address: None))


def _open(address: str) -> None:
    """Open the address in a browser; on a machine without one, its user opens it elsewhere."""
    import webbrowser

    try:
        opened = webbrowser.open(address)
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        boundary.say(f"No browser could be opened on this machine. Open {address} yourself.")
