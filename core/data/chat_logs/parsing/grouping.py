"""Messages without a conversation id, split into conversations at long pauses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from core.data.chat_logs.base import Turn


def by_pauses(turns: Iterable[Turn], gap_s: float) -> Iterator[list[Turn]]:
    """Groups of turns in order; a new group starts after a pause of more than `gap_s` seconds (0: never)."""
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
    """The turns sorted by time, and whether that changed their order; unchanged if a time is missing.

    Turns of the same second stay in the order of the file, or in its reverse if the file runs newest first.
    """
    times = [turn.at for turn in turns if turn.at is not None]
    if len(times) < len(turns):
        return turns, False
    up = sum(after > before for before, after in pairwise(times))
    down = sum(after < before for before, after in pairwise(times))
    ordered = sorted(reversed(turns) if down > up else turns, key=lambda turn: turn.at or 0.0)
    return ordered, ordered != turns
