"""What the cells of one column look like, measured on a sample of its rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.data.conversion.content.worded_times import names_a_time
from core.data.conversion.content.words import header_rank, words
from core.data.examples import sensitive

_TIMES = 20  # different cells that show whether a column has times
_SEARCHED_CELLS = 200  # of a column, for personal data
_SEARCHED_CHARACTERS = 500  # of each of them

# `?` of the scripts that have their own: Latin, full width, Arabic, Greek (also written `;`), Armenian, Ethiopic.
_QUESTION_MARK = re.compile(r"[?？؟\u037e՞፧⁇‽][\s\"'»”’)\]]*$|[Α-ωά-ώ]\s?;\s*$")
_OPENING_MARK = "¿"
_WORD = re.compile(r"[^\W\d_](?:[\w'’\-]*\w)?")
_WIDE = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")
_MEASURE = re.compile(r"[+\-~<>≤≥]?\s?\d[\d.,' \u00a0\u202f]*\s?(?:[^\W\d_]{1,7}|[\"'°])[²³/%]?[^\W\d_]{0,4}")
_ADDRESS = re.compile(r"(?:https?|ftp|file|s3|gs)://\S+|www\.\S+|(?:[A-Za-z]:)?(?:[\\/][\w.\-]+){2,}/?")
_DIGITS = re.compile(r"\d+")
_LONG_NUMBER = re.compile(r"\d{3}")
_NAME = re.compile(
    r"(?:[^\W\d_a-zß-ö][\w'’.\-]*)(?:[ ,]+(?:(?:van|von|de|da|di|del|bin|al|el|la|le) )*[^\W\d_a-zß-ö][\w'’.\-]*){0,3}"
)
_CODE_PART = (
    r"(?:[^\W\d_]{1,3}+(?![^\W\d_])|[\d.:/_\-])++"  # possessive: long cells must not cost more than their length
)
_SPACED_CODE = re.compile(rf"{_CODE_PART} {_CODE_PART}")
_SEPARATED = re.compile(r"[^\W_]++(?:[.:/_\-]++[^\W_]++)+")


@dataclass(frozen=True, slots=True)
class ColumnContent:
    """What a sample of a column's filled cells looks like; shares are of 0..1.

    Attributes:
        sampled: cells looked at.
        words: words in a cell on average; of scripts without spaces, two characters are counted as one word.
        questions: share that are questions.
        letters: share that contain a letter, other than the unit of a number such as `0.9 kg`.
        people: share that look like names of people.
        identifier: whether the cells are ids, codes, paths, times in words or an index, which say nothing.
        address: whether they are web addresses or paths.
        searched: cells that were searched for personal data.
        personal: kinds of personal data or secrets, each with the number of these cells that contain one.
    """

    sampled: int = 0
    words: float = 0.0
    questions: float = 0.0
    letters: float = 0.0
    people: float = 0.0
    identifier: bool = False
    address: bool = False
    searched: int = 0
    personal: tuple[tuple[str, int], ...] = ()

    @property
    def names_people(self) -> bool:
        """Whether the column has names of people."""
        return self.people >= 0.3

    @property
    def prose(self) -> bool:
        """Whether the cells are phrases or sentences, rather than names or labels."""
        return self.words >= 3.5 and self.letters >= 0.8


def measure(name: str, cells: Sequence[str]) -> ColumnContent:
    """The signals of a column.

    Args:
        name: of the column.
        cells: texts of the sampled rows, in their order, without empty ones.
    """
    if not cells:
        return ColumnContent()
    texts = [cell.strip() for cell in cells]
    count = len(texts)
    mean_words = sum(map(word_count, texts)) / count
    address = _share(map(_ADDRESS.fullmatch, texts)) >= 0.8
    found: Counter[str] = Counter()
    searched = texts[:_SEARCHED_CELLS]
    for text in searched:
        found.update({item.kind for item in sensitive.find(text[:_SEARCHED_CHARACTERS])})
    return ColumnContent(
        sampled=count,
        words=round(mean_words, 1),
        questions=round(_share(map(is_question, texts)), 3),
        letters=round(_share(_LETTER.search(text) and not _MEASURE.fullmatch(text) for text in texts), 3),
        people=round(_people(name, texts), 3),
        identifier=address or _is_identifier(name, texts) or _are_times(texts),
        address=address,
        searched=len(searched),
        personal=tuple(found.most_common()),
    )


def _share(hits: Iterable[object]) -> float:
    found = [bool(hit) for hit in hits]
    return sum(found) / len(found)


def word_count(text: str) -> float:
    """Words of a text; of scripts without spaces, two characters count as one."""
    wide = len(_WIDE.findall(text)) if not text.isascii() else 0
    return max(len(text.split()), wide / 2)


def is_question(text: str) -> bool:
    """Whether a text asks: it ends with a question mark of any script, or begins or ends as questions do."""
    if text.startswith(_OPENING_MARK) or _QUESTION_MARK.search(text):
        return True
    lists = words()
    if _WIDE.search(text):
        return text.endswith(lists.endings) or any(word in text for word in lists.inside)
    first = _WORD.search(text.lower())
    # A single word, or a long text that happens to begin with "is" or "will", does not ask.
    return bool(first and first.start() <= 2 and first.group() in lists.openers and 2 <= len(text.split()) <= 30)


def _people(name: str, texts: Sequence[str]) -> float:
    """The share of cells that look like a person's name: a known given name, or any name where the column says so."""
    wanted = header_rank(name, "person") is not None
    given = words().people
    shaped = [text for text in texts if len(text) <= 60 and _NAME.fullmatch(text)]
    known = [text for text in shaped if {part.lower() for part in re.split(r"[\s,]+", text)} & given]
    if wanted and len(shaped) < len(texts) and any(_WIDE.search(text) for text in texts):
        shaped = [text for text in texts if 2 <= len(text) <= 6 and _WIDE.search(text)]
    return (len(shaped) if wanted else len(known)) / len(texts)


_TEXT_ROLES = ("question", "answer", "text", "description", "summary", "label")


def _is_identifier(name: str, texts: Sequence[str]) -> bool:
    if _share(map(_MEASURE.fullmatch, texts)) >= 0.8:
        return False  # 0.9 kg
    if _is_index(texts):
        return header_rank(name, "minor") is None  # years in a row are facts
    named_text = any(header_rank(name, role) is not None for role in _TEXT_ROLES)
    if header_rank(name, "id") is not None and not named_text:
        single = _share(" " not in text for text in texts) >= 0.9
        return (single and (_is_unique(texts) or not _measured(texts))) or _is_coded(texts)
    return not named_text and len(texts) >= 3 and _is_coded(texts)


def _are_times(texts: Sequence[str]) -> bool:
    few = list(dict.fromkeys(texts))[:_TIMES]  # a column of messages is not searched for times to its end
    return _share(map(names_a_time, few)) >= 0.9


def _is_unique(texts: Sequence[str]) -> bool:
    return len(set(texts)) >= 0.98 * len(texts)


def _is_coded(texts: Sequence[str]) -> bool:
    """Whether the cells are codes of one kind: INC-20381, M 1904/12, menu.file.open, hexadecimal."""
    if all(text.replace(".", "").replace(",", "").isdigit() for text in texts):
        return False  # a measured number: _is_index knows the running ones
    single = _share(" " not in text for text in texts) >= 0.9
    alike = _share(map(_DIGITS.search, texts)) >= 0.8 and _same_shape(texts)
    if not _is_unique(texts):  # the id of something that has several rows
        return single and alike and _share(map(_LONG_NUMBER.search, texts)) >= 0.8
    if single:
        return alike or _share(map(_SEPARATED.fullmatch, texts)) >= 0.8
    return alike and all(map(_SPACED_CODE.fullmatch, texts))


def _measured(texts: Sequence[str]) -> bool:
    return any("." in text or "," in text for text in texts)


def _is_index(texts: Sequence[str]) -> bool:
    """Whether the cells are running numbers: 1, 2, 3, with a few left out."""
    if len(texts) < 3 or not all(text.isdigit() and len(text) <= 12 for text in texts):
        return False
    steps = [int(after) - int(before) for before, after in pairwise(texts)]
    return min(steps) >= 1 and sum(step == 1 for step in steps) >= 0.6 * len(steps)


def _same_shape(texts: Sequence[str]) -> bool:
    """Whether most cells are built alike, such as INC-20381 and INC-20382, or are hexadecimal."""
    if all(re.fullmatch(r"[0-9a-fA-F\-]{6,}", text) for text in texts):
        return True
    shapes = Counter(re.sub(r"[^\W\d_]+", "a", _DIGITS.sub("9", text)) for text in texts)
    return shapes.most_common(1)[0][1] >= 0.8 * len(texts)
