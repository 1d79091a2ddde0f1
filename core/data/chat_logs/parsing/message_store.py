"""The messages of a log of any size: their texts in a file, and what orders and groups them in memory."""

from __future__ import annotations

import array
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import IO, Final, Self

from core.data.chat_logs.base import Conversation, Left, LogItem, Turn
from core.data.chat_logs.parsing.direction import Marks, arrange

_IN_MEMORY: Final = 16 << 20  # bytes; the texts of larger logs are stored on disk


class MessageStore:
    """Messages by conversation; a conversation's messages may be anywhere in the log.

    Args:
        ordered: the export defines the order of messages with the same time.
    """

    def __init__(self, *, ordered: bool) -> None:
        self.marks = Marks()
        self._ordered = ordered
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._ends: array.array[int] = array.array("q", [0])  # of each text in the file, after that of the one before
        self._lines: array.array[int] = array.array("l")
        self._notes: dict[int, tuple[str, ...]] = {}
        self._groups: dict[str, array.array[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def knows(self, speaker: str) -> bool:
        """Whether the speaker has written."""
        return speaker in self.marks.numbers

    def add(self, key: str, turn: Turn, role: str = "") -> None:
        """Store a message of the conversation `key`; "" for one without a conversation."""
        number = self.marks.add(turn.speaker, role, turn.at, "" if self._ordered else turn.text)
        self._ends.append(self._ends[-1] + self._spool.write(turn.text.encode("utf-8", "surrogatepass")))
        self._lines.append(turn.line)
        if turn.notes:
            self._notes[number] = turn.notes
        if key not in self._groups:
            self._groups[key] = array.array("l")
        self._groups[key].append(number)

    def conversations(
        self, *, chosen: str = "", gap_minutes: int = 0, split: bool = False, place: str = ""
    ) -> Iterator[LogItem]:
        """Every conversation with its messages in order, and the direction of the log unless its export defines it.

        Args:
            chosen: the direction, see `arrange`.
            gap_minutes: messages without a conversation are split at longer pauses; 0: never.
            split: conversations are split at pauses, too.
            place: the file inside an archive.
        """
        named: list[tuple[str, str]] = []  # id and title
        talks: list[Sequence[int]] = []
        for key, rows in sorted(self._groups.items(), key=lambda item: item[0] == ""):
            parts: list[Sequence[int]] = [rows]
            if split or not key:
                parts = self._by_pauses(rows, gap_minutes * 60)
            for number, part in enumerate(parts, 1):
                name = key if key and not split else f"{key}#{number}"
                named.append((name, key or f"Conversation {number:,}"))
                talks.append(part)
        orders, direction = arrange(self.marks, talks, chosen, ordered=self._ordered)
        if not self._ordered:
            yield direction
        for (key, title), talk, order in zip(named, talks, orders, strict=True):
            if order is None:
                for row in talk:
                    turn = self._turn(row)
                    yield Left("order_unknown", turn.text, place, turn.line, key)
                continue
            turns = [self._turn(row) for row in order]
            if any(one != other for one, other in zip(order, talk, strict=True)):
                turns[0] = replace(turns[0], notes=(*turns[0].notes, "order"))
            yield Conversation(key, title, tuple(turns), place)

    def _by_pauses(self, rows: array.array[int], gap_s: float) -> list[Sequence[int]]:
        """Parts between long pauses, each in the order of the file; not split if a time is missing."""
        times = self.marks.times
        if not gap_s or not self.marks.timed(rows):
            return [rows]
        parts: list[array.array[int]] = []
        last = float("nan")
        for row in sorted(rows, key=times.__getitem__):
            if not parts or times[row] - last > gap_s:
                parts.append(array.array("l"))
            parts[-1].append(row)
            last = times[row]
        return [array.array("l", sorted(part)) for part in parts]

    def _turn(self, number: int) -> Turn:
        start, end = self._ends[number], self._ends[number + 1]
        self._spool.seek(start)
        text = self._spool.read(end - start).decode("utf-8", "surrogatepass")
        at = self.marks.times[number]
        speaker = self.marks.speakers[self.marks.who[number]]
        return Turn(speaker, text, None if at != at else at, self._lines[number], self._notes.get(number, ()))
