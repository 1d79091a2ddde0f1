"""Numbers and names of an answer that stand nowhere in its row: the usual sign that a model invented something.

A flag is a reason to look, not proof. It errs on the side of silence: a number counts as present in any spelling that
a row may use for it, and a name only counts as one inside a sentence.
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
_SENTENCE_END = re.compile(_TITLES + r"(?:[.!?:;…\n\"“”„«»(\[]\s*|^\s*|[-–—•*]\s+)$")
# Capitalised in running English text without naming anything of the row.
_COMMON: Final = frozenset(
    re.findall(
        r"\S+",
        "i i'm i'll i've i'd ok yes no january february march april may june july august september october november "
        "december monday tuesday wednesday thursday friday saturday sunday english dr mr mrs ms prof",
    )
)
# Digits that are written out: "three" in the row grounds a 3 in the answer.
_WORDS: Final = {
    word: str(value)
    for value, word in enumerate(
        re.findall(r"\w+", "zero one two three four five six seven eight nine ten eleven twelve")
    )
}


@dataclass(frozen=True, slots=True)
class Flag:
    """Something to look at in a written example. `value` is what was found, `message` the sentence for a person."""

    code: str
    value: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def check(answer: str, given: Iterable[str]) -> list[Flag]:
    """What the answer says that none of the given texts (cells, question, instructions) does.

    Args:
        answer: looked at up to 200,000 characters.
    """
    known = "\n".join(given)[:_MAX_TEXT]
    text = answer[:_MAX_TEXT]
    flags = [
        Flag(NUMBER, number, f"The number {number} does not stand in the row.") for number in _numbers(text, known)
    ]
    flags += [Flag(NAME, name, f"The name “{name}” does not stand in the row.") for name in _names(text, known)]
    return flags[:_MAX_FLAGS]


def _numbers(text: str, known: str) -> list[str]:
    there = {value for found in _NUMBER.findall(known) for value in _values(found)}
    there |= {piece.lstrip("0") or "0" for piece in re.findall(r"\d+", known)}  # the parts of dates and codes
    there |= {value for word, value in _WORDS.items() if re.search(rf"\b{word}\b", known, re.IGNORECASE)}
    missing = []
    for found in _NUMBER.findall(_LIST_MARK.sub(" ", text)):
        if found not in missing and not (_values(found) & there):
            missing.append(found)
    return missing


def _values(found: str) -> set[str]:
    """A number in the spellings it may have: 1,200.50 and 1.200,50 and 1200.5 meet in one."""
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
    missing: list[str] = []
    current: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        word = match.group()
        is_name = word[0].isupper() and (len(word) > 1)
        starts = bool(_SENTENCE_END.search(text[max(match.start() - 8, 0) : match.start()]))
        joined = current and text[end : match.start()] in (" ", "\u00a0")
        if is_name and not _is_known(word, there) and (not starts or word.isupper() or _inside(word)):
            if joined:
                current.append(word)
            else:
                _keep(current, missing)
                current = [word]
            end = match.end()
        else:
            _keep(current, missing)
            current = []
    _keep(current, missing)
    return missing


def _keep(words: list[str], missing: list[str]) -> None:
    name = " ".join(words)
    if name and name not in missing:
        missing.append(name)


def _inside(word: str) -> bool:
    """A capital inside the word (McDonald, iPhone): a name even at the start of a sentence."""
    return any(character.isupper() for character in word[1:]) and not word.isupper()


def _is_known(word: str, there: set[str]) -> bool:
    folded = _fold(word)
    stem = re.sub(r"['’]s?$", "", folded)
    options = {folded, stem, stem.removesuffix("s"), stem + "s"}
    return bool(options & there) or folded in _COMMON


def _fold(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.replace("’", "'").casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))
