"""`sft export DATASET`: a version as a file that other tools read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from core.cli._support.boundary import say
from core.cli._support.changes import numbered
from core.cli._support.completing import complete
from core.data.versions.exports import EXPORTS
from core.errors import DataError
from core.messages import SPLITS

FORMULAS = "Leave CSV cells that begin like a formula (= + - @) unchanged. A spreadsheet that opens the file runs them."


def export(
    dataset: Annotated[str, typer.Argument(help="Name or id of a dataset.", autocompletion=complete("dataset"))],
    format: Annotated[str, typer.Option(help=f"One of: {', '.join(EXPORTS.ids())}.")] = "jsonl",
    version: Annotated[int, typer.Option(min=0, help="Number of a version; 0: the newest.")] = 0,
    split: Annotated[str, typer.Option(help=f"Only this split: {', '.join(SPLITS)}.")] = "",
    keep_formulas: Annotated[bool, typer.Option("--keep-formulas", help=FORMULAS)] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; left out: stdout.")] = None,
) -> None:
    """Write a dataset as a file; what the format cannot carry is reported on stderr."""
    from core.platform.supervisor import ensure
    from core.services.data import datasets, exports

    if split not in ("", *SPLITS):
        raise DataError(f"Unknown split: {split!r}.", f"Choose one of: {', '.join(SPLITS)}.")
    with ensure(set()):
        found = datasets.get_dataset(dataset)
        chosen = numbered(found, version) if version else found.version
        for loss in exports.losses(chosen.id, format, split or None, keep_formulas=keep_formulas):
            say(f"Note: {loss.text}")
        content = exports.export(chosen.id, format, split or None, keep_formulas=keep_formulas)
        if out is None:
            sys.stdout.flush()
            for block in content:
                sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()
            return
        with out.open("wb") as stream:
            stream.writelines(content)
        print(out)
