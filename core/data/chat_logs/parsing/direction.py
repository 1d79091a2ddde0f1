"""Whether a log runs oldest or newest first, inferred over all its conversations.

A time orders two messages only if it differs. Messages of the same minute, or without a time, are in the order of the
file or in its reverse, and the wrong choice pairs each question with the answer to the one before. So conversations are
compared in both orders: by their own times, by who writes first, and by questions that come before answers.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

OLDEST, NEWEST, MIXED, UNKNOWN = "oldest", "newest", "mixed", "unknown"
_QUESTION, _GREETING, _THANKS = 1, 2, 4
_QUESTION_MARKS = "?？؟"
_ASKS = re.compile(r"[?？؟](?:[\s\"'”’)»]|$)")
_GREETS = re.compile(
    r"\W*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|hallo|guten|moin|servus|sehr geehrte|bonjour|"
    r"bonsoir|salut|hola|buen[oa]s|estimad[oa]s?|ciao|buongiorno|buonasera|olá|ola|bom dia|boa tarde|hej|hoi|dag|cześć|"
    r"dzień dobry|merhaba|здравствуйте|добрый|привет)\b|\W*(?:你好|您好|こんにちは|안녕)",
    re.IGNORECASE,
)
_THANKED = re.compile(
    r"\b(?:thanks|thank you|thx|bye|goodbye|danke|tschüss|merci|au revoir|gracias|adiós|grazie|arrivederci|obrigad[oa]|"
    r"bedankt|tack|dziękuję|teşekkür\w*|спасибо)\b|谢谢|ありがとう|감사",
    re.IGNORECASE,
)
_SHORT: Final = 80  # characters of a message that only thanks
_CLEAR: Final = 0.75  # share of the conversations that decides for all
_CLEAR_OF_MANY: Final = 0.6
_MANY: Final = 10
_OVERRIDES: Final = 3  # conversations that must contradict the direction of the times before they decide equal times
_SURE: Final = 2  # signs by which one conversation decides for itself

EVIDENCE: Final = {
    "times": "the times of a conversation ascend",
    "table": "the times of the whole table ascend",
    "begins": "the customer writes first",
    "questions": "a question comes first and an answer last",
}


CHOICES: Final = {"": "Detect", OLDEST: "Oldest first", NEWEST: "Newest first"}
_TITLES: Final = {
    **CHOICES,
    MIXED: "Both directions, by conversation",
    UNKNOWN: "Not detected, read as oldest first",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many conversations (rows for "table") speak for each direction. `kind` is a key of EVIDENCE."""

    kind: str
    oldest: int
    newest: int

    @property
    def way(self) -> str:
        """The direction that most speak for."""
        return NEWEST if self.newest > self.oldest else OLDEST

    @property
    def text(self) -> str:
        """A part of a sentence: "the customer writes first in 12 of 12 conversations"."""
        unit = "steps from row to row" if self.kind == "table" else "conversations"
        return f"{EVIDENCE[self.kind]} in {max(self.newest, self.oldest):,} of {self.newest + self.oldest:,} {unit}"


@dataclass(frozen=True, slots=True)
class Direction:
    """The direction of a log.

    Attributes:
        found: OLDEST, NEWEST, MIXED (both, by conversation) or UNKNOWN (nothing shows it; read as OLDEST).
        undecided: conversations left out because the log runs both ways and nothing shows which way they run.
        chosen: by a user, not inferred.
        open: conversations that read differently in the two directions.
    """

    found: str
    evidence: tuple[Evidence, ...] = ()
    undecided: int = 0
    chosen: bool = False
    open: int = 0

    @property
    def is_clear(self) -> bool:
        """Whether one direction was found for all, or chosen, or makes no difference."""
        return self.chosen or not self.open or self.found in (OLDEST, NEWEST)

    @property
    def text(self) -> str:
        """A sentence on the direction, and on what shows it."""
        if not self.open and not self.chosen and self.found == UNKNOWN:
            return "It makes no difference: no conversation reads differently in the other direction."
        if self.chosen:
            return f"{_TITLES[self.found]}, as you chose."
        ways = [
            f"read {way} first, {', '.join(item.text for item in self.evidence if item.way == way)}"
            for way in dict.fromkeys(item.way for item in self.evidence)
        ]
        return f"{_TITLES[self.found]}: {'; '.join(ways) or 'nothing in the log shows it'}."


@dataclass(slots=True)
class Marks:
    """What the order of messages is inferred from, in the order of the file: time, speaker and signs in the text."""

    times: array[float] = field(default_factory=lambda: array("d"))  # NaN: none
    who: array[int] = field(default_factory=lambda: array("l"))
    signs: array[int] = field(default_factory=lambda: array("b"))
    numbers: dict[str, int] = field(default_factory=dict)  # speaker -> number
    speakers: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    ascending: int = 0  # steps from one row of the table to the next
    descending: int = 0
    _last: float = float("nan")

    def add(self, speaker: str, role: str, at: float | None, text: str) -> int:
        """Note a message; returns its number."""
        number = self.numbers.get(speaker)
        if number is None:
            number = self.numbers[speaker] = len(self.roles)
            self.speakers.append(speaker)
            self.roles.append(role)
        moment = float("nan") if at is None else at
        self.ascending += moment > self._last
        self.descending += moment < self._last
        self._last = self._last if at is None else at
        self.times.append(moment)
        self.who.append(number)
        self.signs.append(_signs(text))
        return len(self.who) - 1

    def timed(self, rows: Iterable[int]) -> bool:
        """Whether all of these messages have a time."""
        times = self.times
        return all(times[row] == times[row] for row in rows)


@dataclass(frozen=True, slots=True)
class _Case:
    """A conversation that reads differently in the two orders. `votes` above 0 speak for the order of the file."""

    place: int
    kept: Sequence[int]
    reversed: Sequence[int]
    runs: str  # the direction of its times, UNKNOWN if they are equal or missing
    timed: bool
    votes: int


def arrange(
    marks: Marks, talks: list[Sequence[int]], chosen: str = "", *, ordered: bool = False
) -> tuple[list[Sequence[int] | None], Direction]:
    """The messages of each conversation in order, None where the direction is unknown, and the direction of the log.

    Args:
        talks: the numbers of each conversation's messages, ascending.
        chosen: OLDEST or NEWEST takes the file, or its reverse, without looking at times; "" infers the direction.
        ordered: the file is in order, or in reverse order if its times descend; nothing else is looked at.
    """
    if ordered:
        return [_by_times(marks, rows) for rows in talks], Direction(UNKNOWN)
    if chosen in (OLDEST, NEWEST):
        return [rows if chosen == OLDEST else rows[::-1] for rows in talks], Direction(chosen, chosen=True)
    orders: list[Sequence[int] | None] = list(talks)
    cases: list[_Case] = []
    conversations = _conversations_of(marks, talks)
    seen: dict[str, list[int]] = {kind: [0, 0] for kind in ("times", "begins", "questions")}
    for place, rows in enumerate(talks):
        if len(rows) < 2:
            continue
        runs = _runs(marks.times, rows)
        sides = _sides(marks, rows, conversations)
        _note(seen, marks, rows, runs, sides)
        timed = marks.timed(rows)
        kept = sorted(rows, key=marks.times.__getitem__) if timed else list(rows)
        back = list(rows[::-1])
        if timed:
            back.sort(key=marks.times.__getitem__)
        orders[place] = kept
        if kept != back:
            votes = _score(marks, kept, sides) - _score(marks, back, sides)
            cases.append(_Case(place, kept, back, runs, timed, votes))
    evidence = tuple(Evidence(kind, *counts) for kind, counts in seen.items() if any(counts))
    if not seen["times"][0] + seen["times"][1] and marks.ascending + marks.descending:
        evidence = (Evidence("table", marks.ascending, marks.descending), *evidence)
    undecided = _decide(cases, evidence, orders)
    return orders, Direction(_direction(cases, evidence), evidence, undecided, open=len(cases))


def _by_times(marks: Marks, rows: Sequence[int]) -> Sequence[int]:
    times = [marks.times[row] for row in rows]
    if all(before <= after for before, after in pairwise(times)):
        return rows
    runs = _runs(marks.times, rows)
    order = list(rows[::-1] if runs == NEWEST else rows)
    return sorted(order, key=marks.times.__getitem__) if marks.timed(rows) else order


def _decide(cases: list[_Case], evidence: tuple[Evidence, ...], orders: list[Sequence[int] | None]) -> int:
    """Choose the order of each case in `orders`; returns the number that stays undecided."""
    by_runs = {runs: [case for case in cases if case.runs == runs] for runs in (OLDEST, NEWEST, UNKNOWN)}
    undecided = 0
    for runs in (OLDEST, NEWEST):
        keep_equal = _keeps_equal_times(by_runs[runs], runs)
        for case in by_runs[runs]:
            keep = keep_equal if case.timed else runs == OLDEST
            orders[case.place] = case.kept if keep else case.reversed
    flat = by_runs[UNKNOWN]
    for_all = _of_flat(flat, evidence)
    for case in flat:
        if for_all == MIXED and abs(case.votes) < _SURE:
            orders[case.place] = None
            undecided += 1
        elif for_all == MIXED:
            orders[case.place] = case.kept if case.votes > 0 else case.reversed
        else:
            orders[case.place] = case.reversed if for_all == NEWEST else case.kept
    return undecided


def _keeps_equal_times(cases: list[_Case], runs: str) -> bool:
    """Whether equal times are in the order of the file, in conversations whose other times run this way.

    A table that a program sorted newest first may have the messages of a minute in their first order.
    """
    kept, back = _votes(cases)
    against = back if runs == OLDEST else kept
    contradicted = against >= _OVERRIDES and against >= _CLEAR * (kept + back)
    return (runs == OLDEST) != contradicted


def _of_flat(cases: list[_Case], evidence: tuple[Evidence, ...]) -> str:
    """The direction of conversations whose times are equal or missing: by the others' times, or by their own signs."""
    kept, back = _votes(cases)
    by_signs = _majority(kept, back)
    for kind in ("times", "table"):
        item = next((item for item in evidence if item.kind == kind), None)
        by_times = _majority(item.oldest, item.newest) if item else UNKNOWN
        if by_times in (OLDEST, NEWEST):
            contradicted = by_signs != by_times and max(kept, back) >= _OVERRIDES
            return by_signs if contradicted else by_times
    return by_signs


def _direction(cases: list[_Case], evidence: tuple[Evidence, ...]) -> str:
    """The direction of the log, for display: by its times, else by the other signs."""
    times = next((item for item in evidence if item.kind == "times"), None)
    if times and times.oldest + times.newest:
        return _majority(times.oldest, times.newest)
    return _of_flat(cases, evidence)


def _majority(oldest: int, newest: int) -> str:
    total, most = oldest + newest, max(oldest, newest)
    if not total:
        return UNKNOWN
    clear = most >= _CLEAR * total or (total >= _MANY and most >= _CLEAR_OF_MANY * total)
    return (OLDEST if oldest > newest else NEWEST) if clear else MIXED


def _votes(cases: Iterable[_Case]) -> tuple[int, int]:
    votes = [case.votes for case in cases]
    return sum(vote > 0 for vote in votes), sum(vote < 0 for vote in votes)


def _runs(times: Sequence[float], rows: Sequence[int]) -> str:
    """The direction of a conversation's own times; UNKNOWN if they are equal, missing or in no order."""
    up = down = 0
    known = [time for row in rows if (time := times[row]) == time]
    for before, after in pairwise(known):
        up += after > before
        down += after < before
    if up + down and max(up, down) >= _CLEAR * (up + down):
        return OLDEST if up > down else NEWEST
    return UNKNOWN


def _conversations_of(marks: Marks, talks: Iterable[Sequence[int]]) -> Counter[int]:
    """Speaker -> the number of conversations in which they write: staff is in many, a customer in few."""
    counts: Counter[int] = Counter()
    for rows in talks:
        counts.update({marks.who[row] for row in rows})
    return counts


def _sides(marks: Marks, rows: Sequence[int], conversations: Counter[int]) -> dict[int, int]:
    """Speaker -> 1 for who asks, -1 for who answers, 0 if unknown; without speakers of events."""
    people = {marks.who[row] for row in rows}
    roles = {who: marks.roles[who] for who in people}
    people = {who for who in people if roles[who] != "system"}
    known = {roles[who] for who in people} & {"user", "assistant"}
    most = max((conversations[who] for who in people), default=0)
    least = min((conversations[who] for who in people), default=0)
    sides = {}
    for who in people:
        if roles[who] in ("user", "assistant"):
            sides[who] = 1 if roles[who] == "user" else -1
        elif len(known) == 1:
            sides[who] = 1 if "assistant" in known else -1
        elif known or most < 3 or least * 2 > most:
            sides[who] = 0
        else:
            sides[who] = 1 if conversations[who] * 2 <= most else -1
    return sides


def _note(seen: dict[str, list[int]], marks: Marks, rows: Sequence[int], runs: str, sides: dict[int, int]) -> None:
    """Count one conversation as evidence of each kind."""
    if runs != UNKNOWN:
        seen["times"][runs == NEWEST] += 1
    spoken = [row for row in rows if marks.who[row] in sides]
    if len(spoken) < 2:
        return
    first, last = spoken[0], spoken[-1]
    one, other = sides[marks.who[first]], sides[marks.who[last]]
    if one != other and one and other:
        seen["begins"][other > one] += 1
    asks, asks_last = marks.signs[first] & _QUESTION, marks.signs[last] & _QUESTION
    if asks != asks_last and marks.who[first] != marks.who[last]:
        seen["questions"][asks_last > asks] += 1


def _score(marks: Marks, order: Sequence[int], sides: dict[int, int]) -> int:
    """How much an order reads like a conversation: the customer begins, questions are answered, speakers take turns."""
    who, signs = marks.who, marks.signs
    spoken = [row for row in order if who[row] in sides]
    if len(spoken) < 2:
        return 0
    first, last = spoken[0], spoken[-1]
    score = (sides[who[first]] > 0) - (sides[who[first]] < 0)
    for sign, at_start in ((_GREETING, 1), (_THANKS, -1)):
        score += at_start * (bool(signs[first] & sign) - bool(signs[last] & sign))
    for before, after in pairwise(spoken):
        if who[before] != who[after]:
            asked, asks = signs[before] & _QUESTION, signs[after] & _QUESTION
            score += 1 + (asked > asks) - (asked < asks)
    return score


def _signs(text: str) -> int:
    signs = _GREETING if _GREETS.match(text) else 0
    if any(mark in text for mark in _QUESTION_MARKS) and _ASKS.search(text):
        signs |= _QUESTION
    if len(text) <= _SHORT and _THANKED.search(text):
        signs |= _THANKS
    return signs
