"""Question patterns and a system message that a model proposes, checked against the existing columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.data.conversion.patterns import Pattern
from core.data.conversion.profiles import Column
from core.data.conversion.smart import answers
from core.errors import DataError

COUNT: Final = 4
MAX_SYSTEM: Final = 1_000
MAX_PATTERN: Final = 300


@dataclass(frozen=True, slots=True)
class CheckedProposal:
    """The usable part of a proposal, and notes for the user about the rest."""

    system: str
    patterns: tuple[str, ...]
    notes: tuple[str, ...]


def schema(columns: Sequence[str], *, bounded: bool = False) -> dict[str, Any]:
    """The schema of a proposal.

    Args:
        bounded: also restrict patterns to `text {{column}} text`, for a decoder that supports it.
    """
    pattern: dict[str, Any] = {"type": "string"}
    system: dict[str, Any] = {"type": "string"}
    if bounded:
        names = "|".join(re.escape(name) for name in columns[:30] if name.isprintable() and "}" not in name)
        pattern["pattern"] = rf"^[A-Z][a-z ,']{{3,60}}\{{\{{({names})\}}\}}[a-z ,']{{0,40}}\?$"
        system["maxLength"] = 200
    patterns = {"type": "array", "items": pattern, "minItems": COUNT, "maxItems": COUNT}
    return answers.object_schema({"system": system, "patterns": patterns})


def check(text: str, columns: Sequence[str]) -> CheckedProposal:
    """Select what can be used: the system message, and the patterns with existing columns only.

    Raises:
        answers.BadAnswer: the answer does not follow the schema.
    """
    content = answers.load_object(text)
    system, proposed = content.get("system"), content.get("patterns")
    if not isinstance(system, str) or not isinstance(proposed, list):
        raise answers.BadAnswer("The proposal has no system message or no list of patterns.")
    usable: list[str] = []
    dropped = 0
    for item in proposed[:20]:
        pattern = _usable(item, columns)
        if pattern is None or pattern in usable:
            dropped += 1
        else:
            usable.append(pattern)
    notes = []
    if dropped:
        notes.append(f"{dropped} proposed patterns without a column, or repeated, were left out.")
    return CheckedProposal(" ".join(system.split())[:MAX_SYSTEM], tuple(usable[:5]), tuple(notes))


def by_rule(columns: Sequence[Column]) -> tuple[str, ...]:
    """Patterns from the names of the columns only, for when no proposal of a model can be used."""
    usable = [column for column in columns if column.filled]
    if not usable:
        return ()
    key = max(usable, key=lambda column: (column.type == "text", column.distinct, -column.mean_length))
    others = [column for column in usable if column is not key][: COUNT - 1]
    patterns = [f"What is the {_spaced(column.name)} of {{{{{key.name}}}}}?" for column in others]
    return (*patterns, f"What can you tell me about {{{{{key.name}}}}}?")


def _usable(item: Any, columns: Sequence[str]) -> str | None:
    if not isinstance(item, str):
        return None
    text = " ".join(item.split())
    try:
        pattern = Pattern.parse(text, columns)
    except DataError:
        return None
    return text if pattern.names and len(text) <= MAX_PATTERN else None


def _spaced(name: str) -> str:
    return " ".join(re.split(r"[_\W]+", name.strip())).lower() or name
