"""Guesses at the part of each column in a table, by its content and then by its name, for the templates' suggestions.

A guess says why, in words for the user. Its score orders the templates; what a person would see at once scores high:
a translation, questions beside answers, labels beside texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from core.data.conversion.content.relations import Relation
from core.data.conversion.content.words import header_rank
from core.data.conversion.profiles import Column

MAX_INCLUDED = 20  # columns; more would turn every example into a list
_MOSTLY = 0.5  # share of the cells that are questions, from which the column asks

PairKind = Literal["questions", "messages", "terms", "translation", "summary", "texts"]


@dataclass(frozen=True, slots=True)
class PairGuess:
    """An input column and its output column.

    Attributes:
        why: a sentence for the user.
        score: 0..1.
        languages: of a translation.
    """

    kind: PairKind
    key: Column
    target: Column
    why: str
    score: float
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelGuess:
    """A column of texts and the column of their labels."""

    key: Column
    label: Column
    why: str
    score: float


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """The columns of a table with guesses at the input and the output.

    Attributes:
        usable: the columns that are not (nearly) empty, in the order of the table.
        pair: an input and its output, if two columns look like it.
        labeling: texts and their labels, if there are any.
        contained: the columns whose values a text contains, if there is such a text.
        subject: the column that says what each row is about.
    """

    usable: tuple[Column, ...]
    pair: PairGuess | None
    labeling: LabelGuess | None
    contained: Relation | None
    subject: Column | None

    @classmethod
    def of(cls, columns: Iterable[Column], related: Sequence[Relation] = ()) -> Self:
        columns = tuple(columns)
        usable = tuple(column for column in columns if column.is_usable)
        usable = usable or tuple(column for column in columns if column.filled)
        contained = next((relation for relation in related if relation.kind == "contained"), None)
        pairs = sorted(_pairs(usable, related), key=lambda pair: -pair.score)
        return cls(usable, next(iter(pairs), None), _labeling(usable), contained, _subject(usable))

    @property
    def key(self) -> Column | None:
        """The most likely input."""
        return self.pair.key if self.pair else self.labeling.key if self.labeling else self.subject

    @property
    def target(self) -> Column | None:
        """The most likely output; None if no column looks like one."""
        return self.pair.target if self.pair else None

    @property
    def labels(self) -> tuple[Column, ...]:
        """The columns of labels, the likeliest first."""
        return tuple(sorted((column for column in self.usable if column.has_labels), key=_label_order))

    def named(self, name: str) -> Column | None:
        """The usable column of this name."""
        return next((column for column in self.usable if column.name == name), None)

    def others(self, *used: Column | None) -> tuple[str, ...]:
        """The names of the other columns that say something, at most MAX_INCLUDED: no ids, addresses or people."""
        rest = [column for column in self.usable if column not in used]
        telling = [column for column in rest if not column.content.identifier and not column.is_personal]
        others = telling or [column for column in rest if not column.is_personal] or rest
        return tuple(column.name for column in others)[:MAX_INCLUDED]


# ---- an input and an output


def _pairs(columns: Sequence[Column], related: Sequence[Relation]) -> Iterator[PairGuess]:
    texts = [column for column in columns if column.has_texts and column.is_filled and not column.is_personal]
    by_name = {column.name: column for column in texts}
    for relation in related:
        key, target = by_name.get(relation.key), by_name.get(relation.targets[0])
        if key and target and relation.kind == "translation":
            yield PairGuess("translation", key, target, relation.why, 0.97, relation.languages)
        elif key and target and relation.kind == "summary":
            yield PairGuess("summary", key, target, relation.why, 0.88)
    named = best_named(_outputs(columns), "answer")
    free = [text for text in texts if not text.has_labels]
    inputs = [text for text in texts if text is not named]
    asking = max(inputs, key=lambda text: (text.content.questions, _rank(text, "question") is not None), default=None)
    if asking and asking.content.questions >= _MOSTLY:
        answer = named or _answer_beside(asking, free)
        if answer and answer is not asking:
            yield PairGuess("questions", asking, answer, _why_questions(asking, answer), 0.95)
    if named:
        asked = best_named(inputs, "question")
        key = asked or best_text(inputs, prose=named.content.prose)
        if key:
            what = "is named like its question" if asked else "has the texts that it may answer"
            why = f"`{named.name}` is named like an answer, and `{key.name}` {what}."
            kind: PairKind = "questions" if asked else "messages"
            yield PairGuess(kind, key, named, why, 0.92)
    yield from _terms(free)
    if (asked := best_named(free, "question")) and (beside := _answer_beside(asked, free)):
        why = f"`{asked.name}` is named like a question, and `{beside.name}` has the texts that may answer it."
        yield PairGuess("questions", asked, beside, why, 0.78)
    prose = [text for text in free if text.content.prose]
    if len(prose) >= 2 or len(free) == len(columns) == 2:
        one, other = (prose if len(prose) >= 2 else free)[:2]
        why = f"Of the text columns, `{one.name}` comes first, like an input; `{other.name}` follows, like its output."
        yield PairGuess("texts", one, other, why, 0.7 if len(prose) == len(free) == 2 else 0.6)


def _outputs(columns: Sequence[Column]) -> list[Column]:
    """The columns that may be an output by their name alone: texts, numbers and yes or no."""
    return [
        column
        for column in columns
        if column.is_filled
        and column.type not in ("date", "json", "empty")
        and not column.content.identifier
        and not column.is_personal
    ]


def _answer_beside(asking: Column, texts: Sequence[Column]) -> Column | None:
    """The column of answers to a column of questions: beside it to the right, else the one with the longest texts."""
    rest = [text for text in texts if text is not asking and _rank(text, "context") is None]
    longest = max(rest, key=lambda text: text.mean_length, default=None)
    after = [text for text in texts[texts.index(asking) + 1 :] if text in rest] if asking in texts else []
    beside = next(iter(after), None)
    if beside and longest and beside.mean_length >= 0.5 * longest.mean_length:
        return beside
    return longest


def _why_questions(asking: Column, answer: Column) -> str:
    content = asking.content
    many = f"{round(content.questions * content.sampled)} of {content.sampled}"
    longer = answer.mean_length > asking.mean_length
    what = "longer texts that may answer them" if longer else "texts that may answer them"
    return f"{many} cells of `{asking.name}` are questions, and `{answer.name}` has {what}."


def _terms(texts: Sequence[Column]) -> Iterator[PairGuess]:
    """A name and the text that describes it."""
    prose = [text for text in texts if text.content.prose and text.content.words >= 5]
    described = best_named(texts, "description")
    if described is None and len(prose) == 1:
        described = prose[0]
    if described is None:
        return
    by_name = _rank(described, "description") is not None
    names = [
        text
        for text in texts
        if text is not described and text.distinct >= 0.8 * text.filled and (by_name or not text.content.prose)
    ]
    before = [text for text in names if text.mean_length <= described.mean_length]
    name = best_named(names, "subject") or next(iter(before), None)
    if name:
        why = f"Each `{name.name}` is different, and `{described.name}` says more about it."
        yield PairGuess("terms", name, described, why, 0.86 if by_name else 0.65)


# ---- texts and labels


def _labeling(columns: Sequence[Column]) -> LabelGuess | None:
    texts = [
        column
        for column in columns
        if column.has_texts and column.is_filled and not column.has_labels and not column.is_personal
    ]
    labels = [column for column in columns if column.has_labels and column.is_filled and not column.is_personal]
    label = min(labels, key=_label_order, default=None)
    key = best_text(texts, prose=True)
    if label is None or key is None:
        return None
    tier = _label_order(label)[0]
    score = (0.85, 0.8, 0.75, 0.45)[tier]
    if _rank(key, "text") is None and (_rank(key, "subject") is not None or not key.content.prose):
        few = sum(column.is_usable and not column.content.identifier for column in columns) <= 3
        score = 0.5 if tier == 0 and few else 0.35  # names of things; of many facts, one label is rarely what is wanted
    why = (
        f"`{label.name}` has {label.distinct} different values in {label.filled:,} rows, like labels, and "
        f"`{key.name}` has the texts they belong to."
    )
    return LabelGuess(key, label, why, score)


def _label_order(column: Column) -> tuple[int, bool, int]:
    """Labels by name first, then ratings, then columns without a telling name, then facts such as a country."""
    rank = _rank(column, "label")
    if rank is not None:
        return 0, column.type == "number", rank
    if (rating := _rank(column, "rating")) is not None:
        return 1, False, rating
    return 3 if _rank(column, "minor") is not None else 2, column.type == "number", column.distinct


# ---- single columns


def _subject(columns: Sequence[Column]) -> Column | None:
    """The column that says what a row is about: by its name, else the most different texts."""
    filled = [column for column in columns if column.is_filled] or list(columns)
    texts = [column for column in filled if column.has_texts and not column.is_personal]
    free = [column for column in texts if not column.has_labels]
    if not free:  # then a table of people is about them
        free = [column for column in filled if column.content.names_people and not column.has_labels] or texts
    found = best_named(free, "question") or best_named(free, "subject") or best_text(free, prose=False)
    if found:
        return found
    order = {"text": 0, "categorical": 1, "date": 2, "number": 3, "boolean": 4, "json": 5, "empty": 6}
    return min(
        filled, key=lambda column: (column.content.identifier, order[column.type], -column.distinct), default=None
    )


def best_text(columns: Sequence[Column], *, prose: bool) -> Column | None:
    """The column of texts that is most likely an input.

    Args:
        prose: prefer sentences; otherwise the first column of different texts.
    """
    if not columns:
        return None
    if not prose:
        unique = [column for column in columns if column.distinct >= 0.9 * column.filled] or list(columns)
        # Short unique texts first: names and questions are shorter than descriptions and answers.
        return min(unique, key=lambda column: column.mean_length > 300)
    sentences = [column for column in columns if column.content.prose] or list(columns)
    return best_named(sentences, "text") or max(sentences, key=lambda column: column.mean_length)


def best_named(columns: Iterable[Column], role: str) -> Column | None:
    """The column whose name ranks best in the word list of a role, sentences first; None if no name is in it."""
    ranked = [
        (rank, not column.content.prose, column) for column in columns if (rank := _rank(column, role)) is not None
    ]
    return min(ranked, key=lambda entry: entry[:2])[2] if ranked else None


def _rank(column: Column, role: str) -> int | None:
    return header_rank(column.name, role)
