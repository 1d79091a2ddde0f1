"""The operations that `edits.apply` takes: what a screen or a command may do to a dataset."""

from __future__ import annotations

from core.data.editing import (  # noqa: F401  what a screen or a command may do
    GROUPINGS,
    OPERATIONS,
    AddedExample,
    Dedupe,
    DropRows,
    EditRows,
    Effect,
    Filter,
    Move,
    Operation,
    SampleRows,
    Split,
    make,
    message_dicts,
    operation_of,
)


def offered() -> tuple[type[Operation], ...]:
    """The operations that a screen offers with a form made from their fields."""
    return tuple(kind for kind in OPERATIONS if kind.lead)
