"""The word lists of words.toml, prepared for look-up."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
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


@lru_cache(maxsize=1 << 12)
def header_rank(name: str, role: str) -> int | None:
    """The place of a column's name in the word list of a role, from 0 for the best word; None if it is not in it.

    Of a nested field such as `body.question` the innermost name counts first, and those around it after all words.
    """
    around, _, inner = name.rpartition(".")
    listed = _listed(role)
    for place, names in enumerate((inner or name, around)):
        rank = listed.rank(_parts(names))
        if rank is not None:
            return rank + place * listed.count
    return None


def _parts(name: str) -> list[str]:
    spaced = _CAMEL.sub(" ", name.strip())
    lowered = [part.lower() for part in _PART.findall(spaced)]
    return [*lowered, "_".join(lowered)]


class _Listed:
    """The words of a role for look-up: a table of 10,000 columns asks for each of them several times."""

    def __init__(self, words_: Sequence[str]) -> None:
        ranks = {word: rank for rank, word in enumerate(words_)}
        self.count = len(words_)
        self._wide = {word: rank for word, rank in ranks.items() if _WIDE.match(word)}
        self._ranks = ranks
        self._compound = {
            word: rank for word, rank in ranks.items() if len(word) >= _COMPOUND and word not in self._wide
        }
        self._longest = max(map(len, words_), default=0)

    def rank(self, parts: Sequence[str]) -> int | None:
        """The best word that is one of the parts, or that a part begins or ends with; None if there is none."""
        found = [self._ranks[part] for part in parts if part in self._ranks]
        for part in parts:
            if "_" not in part:
                for size in range(_COMPOUND, min(len(part), self._longest + 1)):
                    found += [self._compound[end] for end in (part[:size], part[-size:]) if end in self._compound]
            if self._wide and _WIDE.search(part):
                found += [rank for word, rank in self._wide.items() if word in part]
        return min(found, default=None)


@lru_cache(maxsize=64)
def _listed(role: str) -> _Listed:
    return _Listed(words().headers[role])
