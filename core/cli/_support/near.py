"""The name that was probably meant by a mistyped one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Final

_SHOWN: Final = 3
_CUTOFF: Final = 0.6
_PARTS: Final = re.compile(r"[-_\s]+")


def near(typed: str, names: Iterable[str]) -> list[str]:
    """The names that are near a mistyped one: its abbreviation, a part of it, or similar letters; [] if none is."""
    word = _plain(typed)
    if not word:
        return []
    by_plain = {_plain(name): name for name in names}
    tiers: tuple[Callable[[str], bool], ...] = (
        lambda name: name == word,
        lambda name: _initials(by_plain[name]) == word,
        lambda name: len(word) > 1 and name.startswith(word),
        lambda name: len(word) > 2 and (word in name or name in word),
    )
    for meant in tiers:
        if found := [by_plain[name] for name in by_plain if name and meant(name)]:
            return found[:_SHOWN]
    return [by_plain[name] for name in get_close_matches(word, list(by_plain), n=_SHOWN, cutoff=_CUTOFF)]


def did_you_mean(names: Iterable[str]) -> str:
    """` Did you mean --epochs or --seed?`; "" for no names."""
    shown = list(names)
    return f" Did you mean {' or '.join(shown)}?" if shown else ""


def _plain(name: str) -> str:
    return "".join(_PARTS.split(name.casefold()))


def _initials(name: str) -> str:
    return "".join(part[:1] for part in _PARTS.split(name.casefold()))
