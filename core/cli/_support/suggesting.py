"""The suggestion for a table and what to know about its columns, printed before a conversion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli._support.boundary import say
from core.errors import DataError

if TYPE_CHECKING:
    from core.data.conversion.analysis import Analysis


def suggested_recipe(analysis: Analysis, file: Path, system: str) -> dict[str, Any]:
    """The suggested template, columns and options of a table, with the reason on stderr.

    Args:
        system: a system message instead of the suggested one; "" keeps that.

    Raises:
        DataError: there is nothing to suggest.
    """
    suggestion = analysis.suggestion
    if analysis.shape or suggestion is None or not suggestion.mapping.key:
        what = "is in a known chat shape" if analysis.shape else "has no columns to suggest a conversion for"
        raise DataError(f"{file.name} {what}.", "Leave out --suggested." if analysis.shape else "Choose --template.")
    say(f"Suggestion: {suggestion.reason}")
    options = {**suggestion.options, **({"system": system} if system else {})}
    if options.get("system"):
        say(f"System message: {options['system']}")
    return {
        "template": suggestion.template,
        "mapping": suggestion.mapping.to_dict(),
        "options": options,
        "leave_out": [total.line for total in analysis.totals],
    }


def print_notes(analysis: Analysis, recipe: dict[str, Any]) -> None:
    """Say on stderr what to know about the rows and the chosen columns: total rows, mixed decimals, personal data."""
    from core.services.data import conversion

    left_out = set(recipe.get("leave_out") or ())
    known = [item for item in analysis.findings if item.line not in left_out]
    if left_out:
        say(f"Left out, as chosen: line {', '.join(f'{line:,}' for line in sorted(left_out))}.")
    chosen = conversion.warnings(analysis, recipe["template"], recipe["mapping"], recipe["options"])
    for item in (*known, *chosen):
        say(f"{item.severity.capitalize()}: {item.message} {item.remedy}")
