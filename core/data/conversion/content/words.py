"""The word lists of words.toml, prepared for look-up."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

_PART = re.compile(r"[^\W_]+|[№#°]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WIDE = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # scripts in which words are not spaced
_COMPOUND = 5  # letters from which a word may be part of a longer one: "Kundenfrage", "Rechnungsnummer"


@dataclass(frozen=True)
class Words:
    """The lists of words.toml.

    Attributes:
        openers: words with which a question begins, of all languages.
        endings, inside: how a question ends, or what it contains, in languages that mark it there.
        headers: role of a column -> words of its name, best first.
        totals: what a total row begins with.
        people: given names.
        languages: what a language is called in other languages and codes -> its English name.
    """

    openers: frozenset[str]
    endings: tuple[str, ...]
    inside: tuple[str, ...]
    headers: dict[str, tuple[str, ...]]
    totals: frozenset[str]
    people: frozenset[str]
    languages: dict[str, str]


@lru_cache(maxsize=1)
def words() -> Words:
    """The lists, read once."""
    raw = tomllib.loads(files("core.data.conversion.content").joinpath("words.toml").read_text(encoding="utf-8"))
    return Words(
        openers=frozenset(word for line in raw["questions"].values() for word in line.split()),
        endings=tuple(raw["question_endings"]["text"].split()),
        inside=tuple(raw["question_endings"]["contains"].split()),
        headers={role: tuple(dict.fromkeys(text.split())) for role, text in raw["headers"].items()},
        totals=frozenset(word.replace("_", " ") for word in raw["totals"]["text"].split()),
        people=frozenset(raw["people"]["names"].split()),
        languages=raw["languages"],
    )


def header_rank(name: str, role: str) -> int | None:
    """The place of a column's name in the word list of a role, from 0 for the best word; None if it is not in it.

    Of a nested field such as `body.question` the innermost name counts first, and those around it after all words.
    """
    around, _, inner = name.rpartition(".")
    listed = words().headers[role]
    for place, names in enumerate((inner or name, around)):
        parts = _parts(names)
        for rank, word in enumerate(listed):
            if _matches(word, parts):
                return rank + place * len(listed)
    return None


def _parts(name: str) -> list[str]:
    spaced = _CAMEL.sub(" ", name.strip())
    lowered = [part.lower() for part in _PART.findall(spaced)]
    return [*lowered, "_".join(lowered)]


def _matches(word: str, parts: Collection[str]) -> bool:
    if word in parts:
        return True
    if _WIDE.match(word):
        return any(word in part for part in parts)
    return len(word) >= _COMPOUND and any(
        len(part) > len(word) and (part.startswith(word) or part.endswith(word)) for part in parts if "_" not in part
    )
