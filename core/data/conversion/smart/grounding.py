"""Numbers and names of an answer that do not appear in its row: a typical sign of a hallucination.

A flag is a reason to check, not proof. When in doubt there is none: a number counts as present in any spelling that a
row may use, and a capitalized word counts as a name only inside a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

NUMBER: Final = "ungrounded_number"
NAME: Final = "ungrounded_name"
CUT: Final = "answer_cut"
_MAX_FLAGS: Final = 10
_MAX_TEXT: Final = 200_000

_NUMBER = re.compile(r"\d+(?:[.,'’\u00a0\u202f ]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?")
_LIST_MARK = re.compile(r"(?m)^\s{0,8}(?:\d{1,2}[.)]|[-*•])\s+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", re.UNICODE)
_TITLES = r"(?<!\bDr)(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bProf)"
_SENTENCE_END = re.compile(_TITLES + r"(?:[.!?:;…\n\"“”„«»(\[]\s{0,8}|^\s{0,8}|[-–—•*]\s{1,8})$")
# Capitalized in English text without being a name from the row.
_COMMON: Final = frozenset(
    str.split(
        "i i'm i'll i've i'd ok yes no january february march april may june july august september october november "
        "december monday tuesday wednesday thursday friday saturday sunday english dr mr mrs ms prof"
    )
)
# Words that start a sentence, and so are capitalized, before a name.
_OPENERS: Final = frozenset(
    str.split(
        "the a an in on at it its this that these those he she they we you his her their our my your for from with "
        "by as to of and but or if when while after before since there here what who how why where which is are was "
        "were do does please both all each every some no not only also however "
        "der die das ein eine im am le la les un une el"
    )
)
_FEW_WORDS, _MANY_CAPITALS = 8, 0.25
# Numbers in words: "three" in the row grounds a 3 in the answer.
_IN_WORDS: Final = "zero one two three four five six seven eight nine ten eleven twelve"
_WORDS: Final = {word: str(value) for value, word in enumerate(_IN_WORDS.split())}


@dataclass(frozen=True, slots=True)
class Flag:
    """Something to check in a written example: the number or name, and a sentence for the user."""

    code: str
    value: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def check(answer: str, given: Iterable[str]) -> list[Flag]:
    """The numbers and names of the answer that are in none of the texts (cells, question, instructions).

    Args:
        answer: only its first 200,000 characters are checked.
    """
    known = "\n".join(given)[:_MAX_TEXT]
    text = answer[:_MAX_TEXT]
    flags = [
        Flag(NUMBER, number, f"The number {number} does not appear in the row.") for number in _numbers(text, known)
    ]
    flags += [Flag(NAME, name, f"The name “{name}” does not appear in the row.") for name in _names(text, known)]
    return flags[:_MAX_FLAGS]


def _numbers(text: str, known: str) -> list[str]:
    there = {value for found in _NUMBER.findall(known) for value in _values(found)}
    there |= {piece.lstrip("0") or "0" for piece in re.findall(r"\d+", known)}  # parts of dates and codes
    there |= {value for word, value in _WORDS.items() if re.search(rf"\b{word}\b", known, re.IGNORECASE)}
    used = dict.fromkeys(_NUMBER.findall(_LIST_MARK.sub(" ", text)))
    return [found for found in used if not _values(found) & there]


def _values(found: str) -> set[str]:
    """The normalized spellings of a number: 1,200.50 and 1.200,50 and 1200.5 have one in common."""
    out = set()
    digits = re.sub(r"['’\u00a0\u202f ]", "", found)
    readings = {digits.replace(",", ""), digits.replace(".", "").replace(",", ".")}
    for reading in readings:
        whole, _, part = reading.partition(".")
        if "." in part:
            continue
        part = part.rstrip("0")
        whole = whole.lstrip("0") or "0"
        out.add(f"{whole}.{part}" if part else whole)
    return out


def _names(text: str, known: str) -> list[str]:
    there = {_fold(word) for word in _WORD.findall(known)}
    groups: list[list[_Word]] = []
    inside = capitals = 0
    end = -1
    for match in _WORD.finditer(text):
        word = match.group()
        starts = bool(_SENTENCE_END.search(text[max(match.start() - 8, 0) : match.start()]))
        capital = word[0].isupper() and len(word) > 1
        inside += not starts
        capitals += capital and not starts
        if not capital:
            continue
        if groups and text[end : match.start()] in (" ", "\u00a0") and not starts:
            groups[-1].append(_Word(word, starts))
        else:
            groups.append([_Word(word, starts)])
        end = match.end()
    # German capitalizes every noun: there, only two unknown ones in a row count as a name.
    nouns_too = inside >= _FEW_WORDS and capitals > _MANY_CAPITALS * inside
    found = (_name_in(group, there, nouns_too) for group in groups)
    return list(dict.fromkeys(name for name in found if name))


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    starts: bool  # the start of a sentence, where a capital means nothing

    @property
    def is_told_by_capitals(self) -> bool:
        """NASA, McDonald, iPhone: a name in any position."""
        return any(character.isupper() for character in self.text[1:])


def _name_in(group: list[_Word], there: set[str], nouns_too: bool) -> str:
    """The unknown name in a run of capitalized words; "" if there is none."""
    if group[0].starts and _fold(group[0].text) in _OPENERS:
        group = group[1:]
    unknown = [word for word in group if not _is_known(word.text, there)]
    if not unknown:
        return ""
    single = len(unknown) == 1
    if single and not unknown[0].is_told_by_capitals and (unknown[0].starts or nouns_too):
        return ""
    return " ".join(word.text for word in unknown)


def _is_known(word: str, there: set[str]) -> bool:
    folded = _fold(word)
    stem = re.sub(r"['’]s?$", "", folded)
    options = {folded, stem, stem.removesuffix("s"), stem + "s"}
    return bool(options & there) or folded in _COMMON


def _fold(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.replace("’", "'").casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))
