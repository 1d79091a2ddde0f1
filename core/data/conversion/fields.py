"""Which fields of a table reach the examples and which do not: the account that is shown before anything is created.

A field reaches the examples if they are different without it. So the account is measured on the rows, for columns and
for keys inside of them, and cannot disagree with the conversion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

from core.data.conversion.cells import is_empty, is_placeholder
from core.data.conversion.chat_shapes import CHAT_SHAPES, NOTES, ShapeChoice
from core.data.conversion.chat_shapes.reading.turns import KEEP_TEXT, MEDIA
from core.data.conversion.chat_shapes.reading.values import as_list, as_object, lowered, plain_name
from core.data.conversion.doubts import doubts
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.conversion.meanings import MEDIA_MEANING, meaning_of
from core.data.conversion.profiles import Column
from core.data.formats.passages import COLUMNS as PASSAGE_COLUMNS
from core.data.issues import data_error
from core.data.quality.structure import split_of
from core.messages import Finding, Reject, Row
from core.text import plural

LOOKED_AT: Final = 2_000  # rows that the account is based on: a quarter of a second
FIRST_REJECTS: Final = 5  # rows that are left out, to show with their reasons
_SHOWN: Final = 4  # different placeholders of a column
_TRIED: Final = 3  # rows of each kind that are converted without a field
_GATHERED: Final = 50  # of a shape whose examples lie across rows
_MOST_PATHS, _MOST_DEPTH, _MOST_VALUES = 400, 6, 50
# Inside of these every key is carried over, or belongs to a schema that differs from row to row.
_OPAQUE: Final = frozenset(
    [
        "tools",
        "functions",
        "tool_calls",
        "function_call",
        "arguments",
        "args",
        "parameters",
        "input_schema",
        "tool_config",
        "function",
        "metadata",
        "usage",
    ]
)
# Of a part, a choice or a turn: they say what the other keys are.
_STRUCTURAL: Final = frozenset({"type", "object", "index", "role", "tool_call_id", "tool_use_id"})
_PASSAGE: Final = 80  # characters of a text that is more than a question or a label
_CHANGES: Final = frozenset({*NOTES, "media_removed", "preference_one_sided", "question_unanswered"})
EACH: Final = "[]"  # in a path: every item of a list

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field that does not reach the examples.

    Attributes:
        name: the column, or the path inside of it: `messages[].audio`.
        filled: rows in which it is filled.
        meaning: what is lost with it, if that changes what an example means; else "".
        since: the line of the first row that fills it, where that is behind the rows of the account; else 0.
    """

    name: str
    filled: int
    meaning: str = ""
    since: int = 0


@dataclass(frozen=True, slots=True)
class PlaceholderColumn:
    """An optional column in which some cells say that there is nothing, such as `<noinput>`; `texts`: what they say."""

    name: str
    rows: int
    texts: tuple[str, ...]

    @property
    def shown(self) -> str:
        """`<noinput>, N/A or nan`; of many, the first ones."""
        *others, last = self.texts[:_SHOWN]
        return f"{', '.join(others)} or {last}" if others else last


@dataclass(frozen=True, slots=True)
class ShapeOffer:
    """A choice about a shape that these rows raise, with the labels of its values."""

    choice: ShapeChoice
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Account:
    """The account of the first rows of a table.

    Attributes:
        rows: that it is based on; `accepted` become examples.
        used: columns that reach the examples.
        left_out: fields that do not, those that change the meaning first.
        reasons: why rows are left out: (code, rows, the first sentence).
        changes: what is changed in rows that are accepted, such as removed images; the same.
        offers: what the user may decide about the shape.
        rejects: the first rows that are left out.
        placeholders: optional columns whose placeholders are read as empty cells.
        doubts: what is accepted although it may mean something else.
    """

    rows: int
    accepted: int
    used: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    reasons: tuple[tuple[str, int, str], ...] = ()
    offers: tuple[ShapeOffer, ...] = ()
    rejects: tuple[Reject, ...] = ()
    changes: tuple[tuple[str, int, str], ...] = ()
    placeholders: tuple[PlaceholderColumn, ...] = ()
    doubts: tuple[Finding, ...] = ()

    @property
    def split(self) -> str:
        """The column that says which examples train and which test; "" if there is none."""
        return next((name for name in self.used if plain_name(name) == "split"), "")

    @property
    def named(self) -> tuple[LeftOut, ...]:
        """The fields that are not used and change nothing about the meaning."""
        return tuple(item for item in self.left_out if not item.meaning)

    def undecided(self, without: Iterable[str]) -> tuple[LeftOut, ...]:
        """The fields that change the meaning and that the user did not choose to continue without."""
        chosen = {plain_name(name) for name in without}
        return tuple(item for item in self.left_out if item.meaning and plain_name(item.name) not in chosen)

    def check(self, without: Iterable[str]) -> None:
        """Refuse to leave out what changes the meaning, unless the user chose that.

        Raises:
            DataError: code fields_left_out, with the fields and their counts; or media_refused, where every row has
                images.
        """
        refused = next((count for code, count, _ in self.reasons if code == "media_refused"), 0)
        if refused and not self.accepted:
            text = f"{refused:,} of {plural(self.rows, 'row')} contain images or other media; training reads text only."
            raise data_error("media_refused", text, field="images")
        undecided = self.undecided(without)
        if not undecided:
            return
        listed = "; ".join(f"`{item.name}` ({item.meaning}) is {self.where(item)}" for item in undecided)
        options = " ".join(f"--without {item.name}" for item in undecided)
        text = f"These fields would not reach the examples, and they change what an example means: {listed}."
        remedy = f"Choose *Continue without it*; on the command line: {options}."
        for offer in self.offers:
            remedy += f" Or choose *{offer.choice.title}*: --set {offer.choice.id}={next(iter(offer.values))}."
        raise data_error("fields_left_out", text, remedy, field=undecided[0].name)

    def where(self, item: LeftOut) -> str:
        """`filled in 12 of 12 rows`, for the account's own rows; `filled from line 5,501 on`."""
        return f"filled from line {item.since:,} on" if item.since else f"filled in {self.of(item)}"

    def of(self, item: LeftOut) -> str:
        """`12 of 12 rows`, for the account's own rows."""
        return f"{item.filled:,} of {plural(self.rows, 'row')}"


def account(recipe: Recipe, rows: Iterable[Row | Reject], limit: int = LOOKED_AT) -> Account:
    """The account of a table's first rows for a recipe.

    Raises:
        DataError: the recipe does not fit the table.
    """
    read = list(islice(rows, limit))
    if recipe.options.get("empty") == "fail":  # which row stops the conversion is for the conversion to say
        recipe = replace(recipe, options={**recipe.options, "empty": "skip"})
    labeler = Labeler(recipe, "")
    accepted: set[int] = set()
    reasons: Counter[str] = Counter()
    changes: Counter[str] = Counter()
    sentences: dict[str, str] = {}
    rejects: list[Reject] = []
    for item in labeler.run(read):
        if isinstance(item, Labeled):
            accepted.add(item.example.source_line)
            changes.update(found.code for found in item.findings if found.code in _CHANGES)
        elif item.findings:
            reasons[item.findings[0].code] += 1
            rejects += [item] if len(rejects) < FIRST_REJECTS else []
        for found in item.findings:
            sentences.setdefault(found.code, found.message)
    usable = [row for row in read if isinstance(row, Row)]
    survey = _Survey.of(usable)
    used, left = _sorted_out(recipe, usable, survey, accepted)
    told, changed = (
        tuple((code, count, sentences[code]) for code, count in counted.most_common()) for counted in (reasons, changes)
    )
    return Account(
        labeler.read,
        labeler.accepted,
        tuple(used),
        tuple(left),
        told,
        _offers(recipe, usable),
        tuple(rejects),
        changed,
        _placeholders(recipe, usable),
        doubts(recipe, usable),
    )


def _placeholders(recipe: Recipe, rows: Sequence[Row]) -> tuple[PlaceholderColumn, ...]:
    """The optional columns of the recipe with placeholders, those with the most first."""
    optional = CHAT_SHAPES.get(recipe.shape).optional if recipe.shape else recipe.mapping.include
    needed = {recipe.mapping.key, recipe.mapping.target}
    counts: Counter[str] = Counter()
    texts: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, value in row.fields.items():
            if is_placeholder(value) and name not in needed and (name in optional or plain_name(name) in optional):
                counts[name] += 1
                texts.setdefault(name, {})[value.strip()] = None
    return tuple(PlaceholderColumn(name, count, tuple(texts[name])) for name, count in counts.most_common())


def _offers(recipe: Recipe, rows: Sequence[Row]) -> tuple[ShapeOffer, ...]:
    choices = CHAT_SHAPES.get(recipe.shape).choices if recipe.shape else ()
    fields = [lowered(row.fields) for row in rows] if choices else []
    found = (ShapeOffer(choice, choice.offers(fields)) for choice in choices)
    return tuple(offer for offer in found if offer.values)


# ---- what is filled where


@dataclass(slots=True)
class _Seen:
    rows: list[int] = field(default_factory=list)  # indexes, of those that are filled
    values: list[Any] = field(default_factory=list)


class _Survey:
    """Every field of the rows, by its path, in the order of their first appearance."""

    def __init__(self) -> None:
        self.seen: dict[Path, _Seen] = {}

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Survey:
        survey = cls()
        for index, row in enumerate(rows):
            for path, value in _walk(row.fields, ()):
                entry = survey.seen.get(path)
                if entry is None:
                    if len(survey.seen) >= _MOST_PATHS:
                        continue
                    entry = survey.seen[path] = _Seen()
                if not entry.rows or entry.rows[-1] != index:
                    entry.rows.append(index)
                if len(entry.values) < _MOST_VALUES:
                    entry.values.append(value)
        return survey


def _walk(fields: Mapping[str, Any], above: Path) -> Iterator[tuple[Path, Any]]:
    for name, value in fields.items():
        if _blank(value):
            continue
        path = (*above, str(name))
        yield path, value
        if len(path) < _MOST_DEPTH and plain_name(str(name)) not in _OPAQUE:
            yield from _inside(value, path)


def _inside(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    inner = _opened(value)
    if isinstance(inner, Mapping):
        yield from _walk(inner, path)
    elif isinstance(inner, list):
        for item in inner:
            if isinstance(item, Mapping):
                yield from _walk(item, (*path, EACH))


def _opened(value: Any) -> Any:
    """The list or object of a cell, also from its text."""
    if isinstance(value, str):
        return as_list(as_object(value)) if value.lstrip()[:1] in ("[", "{") else value
    return value


def _blank(value: Any) -> bool:
    return is_empty(value) or value in ([], {}) or (isinstance(value, str) and value.strip() in ("[]", "{}"))


def without_path(fields: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The fields without one of them, everywhere it occurs."""
    name, rest = path[0], path[1:]
    out = dict(fields)
    if not rest:
        out.pop(name, None)
        return out
    inner = _opened(out.get(name))
    if rest[0] == EACH:
        if isinstance(inner, list):
            out[name] = [without_path(item, rest[1:]) if isinstance(item, Mapping) else item for item in inner]
    elif isinstance(inner, Mapping):
        out[name] = without_path(inner, rest)
    return out


def path_name(path: Path) -> str:
    """`messages[].content[].image_url`."""
    return ".".join(path).replace(f".{EACH}", EACH)


# ---- what changes without it


def _sorted_out(
    recipe: Recipe, rows: Sequence[Row], survey: _Survey, accepted: set[int]
) -> tuple[list[str], list[LeftOut]]:
    shape = CHAT_SHAPES.get(recipe.shape) if recipe.shape else None
    gathers = shape is not None and shape.gather is not None
    used: list[str] = []
    left: list[LeftOut] = []
    gone: list[Path] = []
    for path, seen in survey.seen.items():
        if any(path[: len(parent)] == parent for parent in gone):
            continue  # named with the field that contains it
        if len(path) > 1 and (recipe.template or plain_name(path[-1]) in _STRUCTURAL):
            continue
        tried = list(rows[:_GATHERED]) if gathers else _some(rows, seen.rows, accepted)
        declared = len(path) == 1 and shape is not None and plain_name(path[0]) in shape.columns
        changed = _outcome(recipe, tried) != _outcome(
            recipe, [Row(row.line, without_path(row.fields, path)) for row in tried]
        )
        if changed or declared or (len(path) == 1 and _is_split(path[0], seen.values, recipe)):
            if len(path) == 1:
                used.append(path[0])
            continue
        if len(path) > 1 and not any(row.line in accepted for row in tried):
            continue  # these rows are rejected with or without it
        gone.append(path)
        meaning = meaning_of(path[-1], seen.values)
        if meaning == MEDIA_MEANING and recipe.options.get(MEDIA.id) == KEEP_TEXT:
            meaning = ""  # the user chose that
        left.append(LeftOut(path_name(path), len(seen.rows), meaning))
    left.sort(key=lambda item: not item.meaning)
    return used, left


def _some(rows: Sequence[Row], filled: Sequence[int], accepted: set[int]) -> list[Row]:
    """A few of the rows in which a field is filled: accepted ones and rejected ones."""
    good = (rows[index] for index in filled if rows[index].line in accepted)
    bad = (rows[index] for index in filled if rows[index].line not in accepted)
    return [*islice(good, _TRIED), *islice(bad, _TRIED)]


def _outcome(recipe: Recipe, rows: Sequence[Row]) -> list[object]:
    """What the rows become: examples, or the codes of the reasons why not."""
    made: list[object] = []
    for item in Labeler(recipe, "").run(rows):
        if isinstance(item, Labeled):
            made.append(item.example)
        else:
            made.append(tuple(found.code for found in item.findings))
    return made


def _is_split(name: str, values: Sequence[Any], recipe: Recipe) -> bool:
    """Whether the column says the split; `train` changes nothing about an example, but is obeyed."""
    known = [split_of(value) for value in values if not is_empty(value)]
    return plain_name(name) == "split" and name not in recipe.without and any(known)


def raw_text(columns: Iterable[Column]) -> str | None:
    """The column of a table that has nothing but texts, without anything to be their input or output; else None."""
    usable = [column for column in columns if column.filled]
    if {column.name for column in usable} in ({"text"}, set(PASSAGE_COLUMNS)):
        return "text"
    texts = [column for column in usable if column.type == "text" and column.mean_length >= _PASSAGE]
    ids = [column for column in usable if column not in texts]
    beside = all(column.type in ("number", "date") or not _is_language(column) for column in ids)
    return texts[0].name if len(texts) == 1 and beside else None


def _is_language(column: Column) -> bool:
    return column.type in ("categorical", "boolean", "json") or any(" " in sample.strip() for sample in column.samples)
