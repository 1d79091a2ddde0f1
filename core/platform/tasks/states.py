"""The states of a task and the moves between them, as data."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

TRANSITIONS: Final = MappingProxyType(
    {
        "pending": frozenset({"validating", "running", "cancelled", "failed"}),
        "validating": frozenset({"queued", "running", "failed", "cancelled"}),
        "queued": frozenset({"running", "succeeded", "failed", "cancelled"}),
        "running": frozenset({"succeeded", "paused", "failed", "cancelled"}),
        "paused": frozenset({"pending", "cancelled"}),
        "failed": frozenset({"pending"}),  # retry: attempt + 1, same frozen spec
        "cancelled": frozenset({"pending"}),
        "succeeded": frozenset(),
    }
)
STATES: Final = tuple(TRANSITIONS)
TERMINAL: Final = frozenset({"succeeded", "failed", "cancelled"})
WORKABLE: Final = frozenset({"pending", "validating", "queued", "running"})  # a worker may hold a lease in these
STARTED: Final = WORKABLE - {"pending"}

COMMANDS: Final = ("cancel", "pause", "stop")  # seen by the running work
ACTIONS: Final = (*COMMANDS, "resume", "retry", "keep")


def may_move(origin: str, to: str) -> bool:
    """Whether the table above allows the move."""
    return to in TRANSITIONS.get(origin, frozenset())
