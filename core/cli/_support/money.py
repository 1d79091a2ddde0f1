"""The option of verbs that start paid work."""

from __future__ import annotations

from typing import Annotated

import typer

OverBudget = Annotated[
    str,
    typer.Option(
        "--over-budget", metavar="REASON", help="Start it even if a budget does not cover it; the reason is recorded."
    ),
]
