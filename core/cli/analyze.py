"""`sft analyze FILE`: the columns of a table, and a suggested conversion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli._support.output import print_json, print_table
from core.data import formats

if TYPE_CHECKING:
    from core.data.conversion.analysis import Analysis


def analyze(
    file: Annotated[Path, typer.Argument(help=f"{formats.labels()} file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    *,
    reading: formats.Reading,
) -> None:
    """Show a file's columns (type, distinct values, empties, samples) and a suggested conversion."""
    from core.services.data import sources

    analysis = sources.analyze_file(file, reading)
    if as_json:
        print_json({"file": str(file), **analysis.to_dict()})
    else:
        _print_analysis(file, analysis, reading)


def _print_analysis(file: Path, analysis: Analysis, reading: formats.Reading) -> None:
    from core.services.data import sources

    print(f"{file}: {analysis.total_rows:,} rows, {analysis.rejected_rows:,} of them unreadable")
    print_table(("COLUMN", "TYPE", "DISTINCT", "EMPTY", "SAMPLES"), [
        (column.name, column.type, f"{column.distinct:,}" + ("" if column.distinct_exact else "+"), f"{column.empty:,}",
         " | ".join(" ".join(sample.split())[:30] for sample in column.samples[:3]))
        for column in analysis.columns
    ])  # fmt: skip
    if analysis.shape:
        print(f"Known chat shape: {analysis.shape}. It needs no conversion.")
    elif raw := sources.no_examples(file, analysis):
        print(f"{raw.message}\n  {raw.remedy}")
    elif analysis.best:
        print(f"Suggestion: {analysis.best.reason}\n  {sources.convert_command(str(file), analysis, reading)}")
    for item in analysis.findings:
        print(f"{item.severity.capitalize()}: {item.message} {item.remedy}")
