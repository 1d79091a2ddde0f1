"""Translation pairs: the same text in two or more languages; the user chooses from which to which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any, Final

from core.data.conversion.cells import is_empty
from core.data.conversion.chat_shapes.base import ChatShape, ShapeChoice, ShapedRow
from core.data.conversion.chat_shapes.reading.languages import language
from core.data.conversion.chat_shapes.reading.values import as_object, has_words, lowered, pair

_MOST_DIRECTIONS = 30


def _texts(lower: Mapping[str, Any]) -> dict[str, Any] | None:
    """Language -> text: of the object `translation`, or of a table whose columns are languages; else None."""
    inner = as_object(lower.get("translation"))
    if isinstance(inner, Mapping):
        found = {str(name): text for name, text in inner.items() if language(str(name))}
        return found if len(found) >= 2 and len(found) == len(inner) else None
    found = {name: text for name, text in lower.items() if language(name)}
    beside = [name for name in lower if name not in found and name not in ("id", "line", "split")]
    spoken = sum(map(has_words, found.values())) >= 2
    return found if len(found) >= 2 and not beside and spoken else None


def _is_translation(lower: Mapping[str, Any]) -> bool:
    return _texts(lower) is not None


def _directions(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    names = list(dict.fromkeys(name for row in rows for name in _texts(row) or {}))
    ways = list(permutations(names, 2))[:_MOST_DIRECTIONS]
    return {f"{source}-{target}": f"{language(source)} to {language(target)}" for source, target in ways}


def _from_translation(fields: Mapping[str, Any], direction: str = "") -> object:
    texts = _texts(lowered(fields)) or {}
    source, target = next(
        ((a, b) for a, b in permutations(texts, 2) if f"{a}-{b}" == direction or not direction), ("", "")
    )
    if not source:
        return ShapedRow([])
    asked = texts[source]
    if not is_empty(asked):
        asked = f"Translate from {language(source)} to {language(target)}:\n\n{asked}"
    return ShapedRow(pair(asked, texts[target]))


DIRECTION: Final = ShapeChoice(
    "direction",
    "Task: translate",
    "From which language to which. Without a choice: from the first language of the file to the second.",
    _directions,
)
# Source: the translation features of Hugging Face datasets (WMT, OPUS)
TRANSLATION_SHAPE = ChatShape(
    "translation",
    "Translation pairs",
    "WMT, OPUS: an object or columns with a text per language; you choose the direction",
    (),
    ("translation",),
    _from_translation,
    choices=(DIRECTION,),
    also=_is_translation,
)
