"""Two texts compared word by word, as HTML for `st.html`; both are escaped."""

from __future__ import annotations

import difflib
import re
from typing import Final

from pages.ui.escaping import escaped, visible
from pages.ui.format import short

LIMIT: Final = 1_500  # characters that are compared
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


def in_common(text: str, other: str) -> float:
    """The share of words, from 0 to 1, that both texts have in the same order."""
    mine, theirs = ([word for word in _WORDS.findall(one[:LIMIT]) if word.strip()] for one in (text, other))
    return difflib.SequenceMatcher(None, mine, theirs, autojunk=False).ratio()


def marked(text: str, other: str) -> str:
    """The text with the words marked that the other text does not have at that place."""
    if text == other:
        return escaped(short(visible(text), 400))
    mine, theirs = _WORDS.findall(text[:LIMIT]), _WORDS.findall(other[:LIMIT])
    out = []
    for kind, start, end, _, _ in difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        piece = escaped("".join(mine[start:end]))
        out.append(piece if kind == "equal" or not piece else f"<mark>{piece}</mark>")
    rest = "…" if len(text) > LIMIT else ""
    return "".join(out) + rest
