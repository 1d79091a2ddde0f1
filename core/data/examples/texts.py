"""Texts in Arrow columns: what is asked of thousands of them at once, answered by their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.examples.characters import INVISIBLE, SPECIAL_TOKENS

Numbers = Any  # a one-dimensional numpy array

# What json.dumps(..., ensure_ascii=False) escapes in a short way.
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\b": "\\b"}
_FIRST_PRINTED, _FIRST_BEYOND_ASCII = 0x20, 0x80
_LESS, _BRACKET, _BRACE, _QUOTE, _BACKSLASH = b'<[{"\\'
# The beginning of a special token: it may find too much, never too little; what it finds is searched.
_TOKEN = re.compile(
    rb"<(?:\||\xef\xbd\x9c|/?s>|</?SYS|start_of|end_of_|bos>|eos>|pad>|unk>|mask>)|\[/?(?:INST|AVAI|TOOL|SYST)"
)


class TextColumn(Sequence[str]):
    """Texts in an Arrow array; they become Python's own where they are used one by one."""

    __slots__ = ("_values", "array")

    def __init__(self, array: Any) -> None:
        self.array = array
        self._values: list[str] | None = None

    @property
    def values(self) -> list[str]:
        """All texts as a list."""
        if self._values is None:
            made: list[str] = self.array.to_pylist()
            self._values = made
        return self._values

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> TextColumn: ...
    def __getitem__(self, at: int | slice) -> str | TextColumn:
        if isinstance(at, slice):
            return TextColumn(self.array[at])
        text: str = self.array[at].as_py() if self._values is None else self._values[at]
        return text

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.values == list(other)

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and bool(len(places_of(self.array, text)))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[TextColumn], tuple[Any]]:
        return TextColumn, (self.array,)


class MessagesColumn(Sequence[Any]):
    """Lists of messages in an Arrow array; where they are used one by one, they are taken from the rows.

    Attributes:
        array: of lists of structures with `role` and `content`; nothing in it is null.
    """

    __slots__ = ("_name", "_rows", "array")

    def __init__(self, array: Any, rows: Sequence[Mapping[str, Any]], name: str) -> None:
        self.array, self._rows, self._name = array, rows, name

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> MessagesColumn: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return MessagesColumn(self.array[at], self._rows[at], self._name)
        return self._rows[at][self._name]

    def __iter__(self) -> Iterator[Any]:
        return (row[self._name] for row in self._rows)


def column(texts: Sequence[str]) -> Any:
    """The texts as an Arrow array."""
    return texts.array if isinstance(texts, TextColumn) else pa.array(texts, pa.string())


def offsets(texts: Any) -> Numbers:
    """Where each text of an Arrow array begins in its bytes, and where the last one ends."""
    return np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]


def content(texts: Any) -> tuple[Numbers, Numbers]:
    """The bytes of all texts of an Arrow array, one after another, and `offsets` into them from 0."""
    edges = offsets(texts) if len(texts) else np.zeros(1, np.int32)
    data = texts.buffers()[2]
    whole = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    return whole[edges[0] : edges[-1]], edges - edges[0]


def places_of(texts: Any, text: str) -> Numbers:
    """The places of the texts of an Arrow array that are equal to one; several times as fast as pyarrow's `index`."""
    wanted = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    data, edges = content(texts)
    places = np.flatnonzero(np.diff(edges) == len(wanted))
    for at, byte in enumerate(wanted.tolist()):
        places = places[data[edges[places] + at] == byte]
    return places


def lengths(texts: Any) -> Numbers:
    """The characters of each text of an Arrow array."""
    data, edges = content(texts)
    if not len(data) or int(data.max()) < _FIRST_BEYOND_ASCII:
        return np.diff(edges).astype(np.int64)
    return pc.utf8_length(texts).to_numpy().astype(np.int64)


def sizes(texts: Any) -> Numbers:
    """The bytes of each text of an Arrow array."""
    return np.diff(offsets(texts)) if len(texts) else np.empty(0, np.int32)


def blank(texts: Any) -> list[int]:
    """The places of texts that are empty or of blanks only."""
    data, edges = content(texts)
    starts, lengths = edges[:-1], np.diff(edges)
    empty = lengths == 0
    found = empty.copy()
    if len(data):
        first = data[np.minimum(starts, len(data) - 1)]
        second = data[np.minimum(starts + 1, len(data) - 1)]
        found |= _begins_blank()[first, second]
    return [at for at in np.flatnonzero(found).tolist() if empty[at] or not texts[at].as_py().strip()]


def nested(texts: Any) -> list[int]:
    """The places of texts that begin, after any blanks, with a bracket of JSON."""
    data, edges = content(texts)
    if not len(data):
        return []
    first = data[np.minimum(edges[:-1], len(data) - 1)]
    second = data[np.minimum(edges[:-1] + 1, len(data) - 1)]
    likely = np.flatnonzero((first == _BRACKET) | (first == _BRACE) | _begins_blank()[first, second])
    return [at for at in likely.tolist() if texts[at].as_py().lstrip()[:1] in ("[", "{")]


def in_json(texts: Any) -> Any:
    """Each text as it is written between the quotes of a JSON string, the same as json.dumps(ensure_ascii=False)."""
    data, edges = content(texts)
    places = np.flatnonzero((data < _FIRST_PRINTED) | (data == _QUOTE) | (data == _BACKSLASH))
    if not len(places):
        return texts
    marks = data[places]
    longer = np.concatenate(([0], np.cumsum(_widths()[marks] - 1)))  # by how many bytes, up to each place
    edges = (edges + longer[np.searchsorted(places, edges)]).astype(np.int32)
    written = data.tobytes()  # replaced at once: a search in each text would cost several times as much
    for mark in sorted(np.unique(marks).tolist(), key=lambda mark: mark != _BACKSLASH):
        written = written.replace(bytes([mark]), _escaped(mark).encode())
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(edges), pa.py_buffer(written))


def suspicious(texts: Any) -> set[int]:
    """The places of texts with special tokens or invisible characters."""
    data, edges = content(texts)
    found: set[int] = set()
    likely = np.flatnonzero((data == _LESS) | (data == _BRACKET))
    if len(likely):
        likely = likely[_second_of_token()[data[np.minimum(likely + 1, len(data) - 1)]]]
        raw = memoryview(data)
        begins = [at for at in likely.tolist() if _TOKEN.match(raw, at)]
        found = {at for at in _places(edges, begins) if SPECIAL_TOKENS.search(texts[at].as_py())}
    if len(data) and int(data.max()) >= _FIRST_BEYOND_ASCII:
        high = np.flatnonzero(data >= _FIRST_BEYOND_ASCII)
        leads = high[lead_width()[data[high]] > 0]
        found.update(_places(edges, leads[is_invisible()[code_points(data, leads)]]))
    return found


def code_points(data: Numbers, leads: Numbers) -> Numbers:
    """The characters of two or three bytes that begin at these places."""
    lead, last = data[leads].astype(np.int64), len(data) - 1
    second, third = (data[np.minimum(leads + place, last)].astype(np.int64) & 0x3F for place in (1, 2))
    two, three = ((lead & 0x1F) << 6) | second, ((lead & 0x0F) << 12) | (second << 6) | third
    return np.where(lead_width()[data[leads]] == 2, two, three)


def _places(edges: Numbers, positions: Numbers | list[int]) -> list[int]:
    """The texts in which bytes at these positions are, each once."""
    return np.unique(np.searchsorted(edges, positions, side="right") - 1).tolist()  # type: ignore[no-any-return]


def _escaped(mark: int) -> str:
    """How JSON writes a character that it escapes."""
    return _ESCAPES.get(chr(mark)) or f"\\u{mark:04x}"


# Tables, built on first use from the patterns that decide.


@cache
def _widths() -> Numbers:
    """How many bytes JSON writes for a byte that it escapes."""
    table = np.ones(256, np.int64)
    for mark in (*range(_FIRST_PRINTED), _QUOTE, _BACKSLASH):
        table[mark] = len(_escaped(mark))
    return table


@cache
def _begins_blank() -> Numbers:
    """Whether a text that begins with these two bytes may begin with a blank."""
    return _by_two_bytes(character for character in map(chr, range(0x10000)) if character.isspace())


@cache
def is_invisible() -> Numbers:
    """Whether a character is invisible, by its code point (all of them are below U+10000)."""
    table = np.zeros(1 << 16, bool)
    everything = "".join(map(chr, range(0x80, 0xD800)))
    table[list(map(ord, INVISIBLE.findall(everything)))] = True
    return table


@cache
def lead_width() -> Numbers:
    """How many bytes the invisible characters have that begin with a byte; 0 where none does."""
    table = np.zeros(256, np.uint8)
    for code in np.flatnonzero(is_invisible()).tolist():
        encoded = chr(code).encode()
        table[encoded[0]] = len(encoded)
    return table


@cache
def _second_of_token() -> Numbers:
    """Whether a byte may follow the first one of a special token."""
    table = np.zeros(256, bool)
    table[list(b"|\xef/s<SebpumIAT")] = True
    return table


def _by_two_bytes(characters: Any) -> Numbers:
    table = np.zeros((256, 256), bool)
    for character in characters:
        encoded = character.encode("utf-8")
        if len(encoded) == 1:
            table[encoded[0]] = True
        else:
            table[encoded[0], encoded[1]] = True
    return table
