"""Messages without a conversation of their own, split into conversations where nobody wrote for long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.data.chat_logs.base import Turn


def by_pauses(turns: Iterable[Turn], gap_s: float) -> Iterator[list[Turn]]:
    """Groups of turns in their order; a new one begins after a pause of more than `gap_s` seconds (0: never)."""
    group: list[Turn] = []
    last: float | None = None
    for turn in turns:
        if group and gap_s and last is not None and turn.at is not None and turn.at - last > gap_s:
            yield group
            group = []
        group.append(turn)
        last = turn.at if turn.at is not None else last
    if group:
        yield group


def in_time(turns: list[Turn]) -> tuple[list[Turn], bool]:
    """The turns in the order of their times, and whether that changed anything; as they stand where a time is missing.

    Turns of the same second keep the order of the file.
    """
    if any(turn.at is None for turn in turns):
        return turns, False
    ordered = sorted(turns, key=lambda turn: turn.at or 0.0)
    return ordered, ordered != turns
