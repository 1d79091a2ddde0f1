"""How columns of the same rows belong together: translations, values that a text contains, summaries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any, Literal, Self

from core.data.conversion.content.words import header_rank, words
from core.data.conversion.profiles import Column
from core.data.examples.language import LANGUAGES, language_of

Cells = Sequence[Mapping[str, str]]  # of sampled rows: column -> text, without empty cells

_TEXTS = 8  # text columns that are compared with each other
_READ = 4_000  # characters of a column, for its language
_CONTENT_WORD = re.compile(r"[^\W\d_]{4,}")
_SHORT_WORD = re.compile(r"\b[^\W\d_]{1,4}\b")


@dataclass(frozen=True, slots=True)
class Relation:
    """Columns that belong together.

    Attributes:
        key: the column to begin from: the text, or the first language.
        targets: the translation, the summary, or the columns whose values the text contains.
        why: a sentence for the user.
        languages: of key and target, for a translation.
    """

    kind: Literal["translation", "contained", "summary"]
    key: str
    targets: tuple[str, ...]
    why: str
    languages: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """The inverse of dataclasses.asdict after its way through JSON."""
        return cls(raw["kind"], raw["key"], tuple(raw["targets"]), raw["why"], tuple(raw["languages"]))


def relations(columns: Iterable[Column], rows: Cells) -> tuple[Relation, ...]:
    """The relations between the columns of a table, as a sample of its rows shows them."""
    usable = [column for column in columns if column.is_usable]
    texts = [column for column in usable if column.has_texts and column.type != "json"][:_TEXTS]
    found = [_translation(texts, rows), *(_contained(text, usable, rows) for text in texts if text.content.prose)]
    found += [_summary(one, other, rows) for one, other in combinations(texts, 2)]
    return tuple(relation for relation in found if relation)


def _pairs(one: str, other: str, rows: Cells) -> list[tuple[str, str]]:
    return [(row[one], row[other]) for row in rows if one in row and other in row]


# ---- translations


def _translation(texts: Sequence[Column], rows: Cells) -> Relation | None:
    for one, other in combinations(texts, 2):
        if not _of_equal_length(one, other, rows):
            continue
        if _share_words(one, other, rows):
            continue
        languages = _language(one, rows), _language(other, rows)
        if None not in languages and languages[0] != languages[1]:
            why = f"`{one.name}` is {languages[0]} and `{other.name}` says the same in {languages[1]}."
            return Relation("translation", one.name, (other.name,), why, languages)  # type: ignore[arg-type]
    return None


def _of_equal_length(one: Column, other: Column, rows: Cells) -> bool:
    """Whether both cells of most rows are about as long; Chinese needs a third of the characters of English."""
    if not _distinct(one) or not _distinct(other):
        return False
    pairs = _pairs(one.name, other.name, rows)
    alike = sum(0.2 <= (len(a) + 5) / (len(b) + 5) <= 5 for a, b in pairs)
    return len(pairs) >= 2 and alike >= 0.8 * len(pairs) and 0.25 <= one.mean_length / other.mean_length <= 4


def _share_words(one: Column, other: Column, rows: Cells) -> bool:
    """Whether two columns have short words in common, as texts of one language do. The classifier takes a second."""
    texts = (" ".join(row.get(column.name, "") for row in rows) for column in (one, other))
    short = [set(_SHORT_WORD.findall(text.lower())) for text in texts]
    least = min(map(len, short))
    return least >= 5 and len(short[0] & short[1]) >= 0.3 * least


def _distinct(column: Column) -> bool:
    return column.distinct >= 0.6 * column.filled


def _language(column: Column, rows: Cells) -> str | None:
    """The language of a column: by its name where that is a language, else by its texts."""
    parts = re.split(r"[^\w]+|_", column.name.strip().lower())
    codes = {**LANGUAGES, **{name.lower(): name for name in LANGUAGES.values()}, **words().languages}
    if named := next((codes[part] for part in reversed(parts) if part in codes), None):
        return named
    cells = (row[column.name] for row in rows if column.name in row)
    code = language_of("\n".join(islice(cells, 100))[:_READ], certain=0.9)
    return LANGUAGES[code] if code else None


# ---- values that a text contains


def _contained(text: Column, columns: Sequence[Column], rows: Cells) -> Relation | None:
    """The columns whose values appear in the text of their row; None unless they are several."""
    names = []
    for column in columns:
        if column is text or column.type in ("boolean", "json") or column.mean_length * 2 > text.mean_length:
            continue
        if column.distinct * 2 < column.filled or not column.is_filled:
            continue  # a label that happens to be named, or a value that is mostly missing
        pairs = _pairs(text.name, column.name, rows)
        if len(pairs) >= 3 and sum(_holds(whole, part) for whole, part in pairs) >= 0.7 * len(pairs):
            names.append(column.name)
    if len(names) < 2:
        return None
    listed = ", ".join(f"`{name}`" for name in names)
    return Relation(
        "contained", text.name, tuple(names), f"The values of {listed} appear in the text of `{text.name}`."
    )


def _holds(whole: str, part: str) -> bool:
    """Whether a text contains a value as a word."""
    whole, part = whole.casefold(), part.casefold().strip()
    at = whole.find(part) if part else -1
    while at >= 0:
        before, after = whole[at - 1 : at], whole[at + len(part) : at + len(part) + 1]
        if not (before.isalnum() and part[0].isalnum()) and not (after.isalnum() and part[-1].isdigit()):
            return True
        at = whole.find(part, at + 1)
    return False


# ---- summaries


def _summary(one: Column, other: Column, rows: Cells) -> Relation | None:
    long, short = (one, other) if one.mean_length >= other.mean_length else (other, one)
    named = header_rank(short.name, "summary") is not None
    if long.content.words < 20 or short.content.words < 3 or long.mean_length < 2 * short.mean_length:
        return None
    if not _distinct(short) or not _distinct(long) or (not named and header_rank(short.name, "subject") is not None):
        return None
    shares = []
    for whole, brief in _pairs(long.name, short.name, rows):
        content = set(_CONTENT_WORD.findall(brief.lower()))
        if content:
            shares.append(len(content & set(_CONTENT_WORD.findall(whole.lower()))) / len(content))
    overlap = sum(shares) / len(shares) if shares else 0.0
    if not named and overlap < 0.5:
        return None
    why = f"`{short.name}` repeats the words of the longer `{long.name}`."
    if named:
        why = f"`{short.name}` is named like a summary and is shorter than `{long.name}`."
    return Relation("summary", long.name, (short.name,), why)
