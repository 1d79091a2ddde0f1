"""`sft rows FILE`: the rows exactly as read, one JSON object per line."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.output import print_json
from core.data import formats
from core.messages import Reject


def rows(
    file: Annotated[Path, typer.Argument(help=f"{formats.labels()} file.")],
    limit: Annotated[int, typer.Option(min=0, help="Stop after this many rows; 0 prints all.")] = 0,
    *,
    reading: formats.Reading,
) -> None:
    """Print the rows exactly as read, as JSONL with their physical line: {"line", "fields"}.

    Records that are not rows are listed on stderr; then the exit code is 1.
    """
    from core.services.data import sources

    rejected = 0
    for row in islice(sources.rows_of_file(file, reading), limit or None):
        if isinstance(row, Reject):
            rejected += 1
            for found in row.findings:
                say(f"{file}:{row.line}: {found.code}: {found.message} {found.remedy}".rstrip())
        else:
            print_json({"line": row.line, "fields": row.fields})
    raise typer.Exit(1 if rejected else 0)
