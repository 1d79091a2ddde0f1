"""JSON documents: an array of objects, or an object with such an array inside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from core.data.formats.base import ArrayFound, Detection, Format, Head, ReadingChoice
from core.data.formats.csv_dialect.header import chosen_names, column_names, header_rows, numbered
from core.data.formats.parsing import strict_json
from core.data.formats.parsing.batches import BATCH_ROWS, FilePiece, FilePlace, RowBatch, from_items
from core.data.formats.parsing.json_tables import layout_of, lists_of, names_beside, rows_of
from core.data.formats.parsing.json_text import JsonText, first_value
from core.data.formats.pieces import json_pieces
from core.data.issues import data_error, finding
from core.data.reading_options import Reading, ReadingOption, how
from core.errors import DataError
from core.messages import Finding, Reject, Row

_NAMES = (".json", ".jsonl", ".ndjson", ".jsonlines")
TABLE_NAMES = (".csv", ".tsv", ".tab", ".txt", ".psv")
_NAMED = 5  # arrays, in a remedy
_MAX_PATH = 3  # how deep inside objects an array is searched for
# Lists that make an object one chat: such an object is a row, its list is not a table.
_CHAT_LISTS = frozenset({"messages", "conversations", "conversation"})
_LISTS = "\0lists"  # no key contains a NUL character
_ROWS = frozenset({"data", "rows", "values", "records", "table", "items", "examples"})
_LAYOUTS = {"columns": "An object of columns", "members": "An object of rows"}
_CHAT_KEYS = frozenset({"role", "from", "content", "value"})


class JsonFormat(Format):
    """One JSON document."""

    id = "json"
    label = "JSON"
    suffixes = (".json",)
    unicode_only = True

    def sniff(self, head: Head) -> float:
        text = head.text.lstrip()
        if text[:1] in ("{", "["):
            inner = text[1:].lstrip()[:1]
            # `[INST] ...` in a text file is not JSON; an array or object begins with one of these.
            plausible = inner in tuple('"{}[]-0123456789tfn/') or not inner
            # `{name} asks` and `[1] see below` in a table are not JSON either.
            if plausible and (inner in ('"', "}", "/", "") if text[0] == "{" else _begins_array(head)):
                return 0.92 if text[0] == "[" else 0.85
            if plausible and head.suffix not in TABLE_NAMES:
                return 0.92 if text[0] == "[" else 0.85
            return 0.4 if head.suffix in _NAMES else 0.0
        return 0.6 if head.suffix in self.suffixes else 0.0

    def detect(self, head: Head, chosen: Reading) -> Detection:
        start = head.text.lstrip()[:1]
        found = find_arrays(head.text) if start == "{" else {}
        lists = {keys: count for keys, count in found.items() if keys[-1:] == (_LISTS,)}
        found = {keys: count for keys, count in found.items() if keys not in lists}
        if not found and not _is_chat(head.text, found):  # rows that are lists, only where nothing else can be a row
            found = {keys[:-1]: count for keys, count in lists.items() if keys[-2:-1] and keys[-2].lower() in _ROWS}
        arrays = tuple(ArrayFound(keys, count) for keys, count in found.items())
        more: tuple[str, ...] = ()
        findings: tuple[Finding, ...] = ()
        if chosen.array_path is not None:
            path = chosen.array_path
        elif path := () if _is_chat(head.text, found) else max(found, key=found.__getitem__, default=()):
            text = f"The rows are taken from {'.'.join(path)!r}; the rest of the object is not used."
            findings = (finding("json_array_chosen", text),)
            if len(arrays) > 1:
                more = (f"{len(arrays)} arrays of objects were found; you can choose another one.",)
        single = start == "{" or (start != "[" and chosen.array_path is None)
        layout = "object" if path else "values" if single else "array"
        note = "A single JSON value." if layout == "values" else _array_note(path)
        choices = (*arrays, ArrayFound((), 1)) if arrays else ()  # each array, or the document as the only row
        columns = names_beside(head.text) if layout == "object" else ()
        return Detection(
            self.id, head.encoding, layout=layout, array_path=path, arrays=choices, columns=columns,
            notes=(note, *more), findings=findings,
        )  # fmt: skip

    def inspect(self, path: Path, detection: Detection, chosen: Reading) -> Detection:
        """Look at the first records: rows may be lists of cells, or the document one object of columns or of rows.

        Raises:
            DataError: the chosen layout does not fit the document.
        """
        text, beside = JsonText(path, detection.encoding or "utf-8"), detection.columns
        detection = replace(detection, columns=())
        one = detection.layout == "values"
        try:
            lists = [] if one else lists_of(text.array(detection.array_path))
            first = list(islice(text.values(), 2)) if one else []
        except DataError as error:
            others = [".".join(item.path) for item in detection.arrays if item.path]
            if error.code == "json_no_rows" and chosen.array_path is not None and others:
                remedy = f"Choose {how('array_path')}: {' or '.join(others[:_NAMED])}."
                raise data_error("json_no_rows", error.message, remedy, field="array_path") from None
            return detection  # raised again when the rows are read
        return _with_layout(detection, first, chosen) if one else with_list_columns(detection, lists, chosen, beside)

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        listed = list_choices(detected, current)
        if current.layout in ("columns", "members") or detected.layout in ("columns", "members"):
            whole = ReadingOption("values", "The document is one row")
            rows = ReadingOption(detected.layout, _LAYOUTS.get(detected.layout, ""))
            return (ReadingChoice.of("layout", detected, current, (rows, whole)),)
        if not current.arrays:
            return listed
        options = [
            ReadingOption(found.path, " → ".join(found.path) or "The whole document", f"{found.count:,} rows seen")
            for found in current.arrays
        ]
        return (ReadingChoice.of("array_path", detected, current, options), *listed)

    def facts(self, detection: Detection) -> tuple[tuple[str, str], ...]:
        if not detection.arrays:
            return ()
        return (("Rows from", " → ".join(detection.array_path) or "the whole document"),)

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        text = JsonText(path, detection.encoding or "utf-8", detection.columns)
        if detection.layout in _LAYOUTS:
            document = next(text.values())
            yield from rows_of(document, detection.layout) if isinstance(document, Row) else (document,)
            return
        if detection.layout == "values":
            yield from text.values()
            return
        yield from _at_least_one(islice(text.array(detection.array_path), int(detection.header or 0), None))

    def read_batches(
        self, path: Path, detection: Detection, size: int = BATCH_ROWS, place: FilePlace | None = None
    ) -> Iterator[RowBatch]:
        if detection.layout not in ("array", "object") or detection.columns:
            return super().read_batches(path, detection, size)
        text = JsonText(path, detection.encoding or "utf-8")
        return from_items(_at_least_one(text.array_in_pieces(detection.array_path, place)), size)

    def pieces(self, path: Path, detection: Detection) -> Iterator[FilePiece]:
        codec = detection.encoding or ""
        if detection.layout not in ("array", "object") or detection.columns or codec not in ("utf-8", "utf-8-sig"):
            return
        if first := JsonText(path, codec).first_element(detection.array_path):
            yield from json_pieces.of_array(path, first)


Item = TypeVar("Item")


def _at_least_one(items: Iterable[Item]) -> Iterator[Item]:
    """The items; an array without any is an error."""
    empty = True
    for item in items:
        empty = False
        yield item
    if empty:
        raise data_error("json_no_rows", "The array is empty.", line=1)


def _with_layout(detection: Detection, first: list[Row | Reject], chosen: Reading) -> Detection:
    """An object of columns or of rows, where the document is one."""
    layout = layout_of(first[0].fields) if len(first) == 1 and isinstance(first[0], Row) else ""
    if chosen.layout in _LAYOUTS and chosen.layout != layout:
        raise data_error("json_no_rows", f"The document is not {_LAYOUTS[chosen.layout].lower()}.", field="layout")
    if not layout or chosen.layout == "values":
        return detection
    return replace(detection, layout=layout, notes=(f"{_LAYOUTS[layout]}: each key is one.",))


def with_list_columns(
    detection: Detection, rows: list[list[Any]], chosen: Reading, beside: tuple[str, ...] = ()
) -> Detection:
    """The names for rows that are lists: those listed beside them, the first row, chosen ones, or numbers."""
    if not rows:
        return detection
    table = [[cell if isinstance(cell, str) else json.dumps(cell) for cell in row] for row in rows]
    beside = beside if len(beside) == len(table[0]) else ()
    named = all(isinstance(cell, str) for cell in rows[0]) and bool(header_rows(table))
    header = bool(chosen.header) if chosen.header is not None else named and not beside
    columns, findings = column_names(table[0], 1) if header else (beside or numbered(len(table[0])), ())
    way = "The first one names the columns" if header else "The columns are numbered"
    note = f"The rows are lists of cells. {'Their names are listed beside them' if beside and not header else way}."
    found = replace(detection, header=header, columns=chosen_names(columns, chosen), names=chosen.names or ())
    return found.with_notes(note, findings=findings)


def list_choices(detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
    """What can be chosen where the rows are lists."""
    if current.header is None:
        return ()
    return (ReadingChoice.of("header", detected, current), ReadingChoice.of("names", detected, current))


def _begins_array(head: Head) -> bool:
    """Whether a text that begins with a bracket is JSON: its first element is complete, or longer than the head."""
    inner = head.text.lstrip()[1:].lstrip()
    if inner[:1] not in ("{", "["):
        return False
    value, _ = first_value(inner)
    try:
        return value is None or strict_json.loads(value) is not None
    except DataError as error:
        return error.code != "json_syntax"


def find_arrays(text: str) -> dict[tuple[str, ...], int]:
    """Every array of objects inside an object: the keys that lead to it, and how many objects it has.

    An array of lists is there as well, with _LISTS as its last key. The text may be cut off: only the visible part of
    each array is counted.
    """
    found: dict[tuple[str, ...], int] = {}
    path: list[str] = []  # the key at each open object
    stack: list[str] = []  # open brackets
    key = ""
    for token in strict_json.TOKEN.finditer(text):
        word = token.group()
        if word in ("{", "["):
            # Deeper brackets are only counted: searching a stack of a million would take forever.
            if 1 < len(stack) <= _MAX_PATH + 1 and stack[-1] == "[" and "[" not in stack[:-1]:
                keys = (*path, _LISTS) if word == "[" else tuple(path)
                found[keys] = found.get(keys, 0) + 1
            stack.append(word)
            path.append(key)
            key = ""
        elif word in ("}", "]") and stack:
            stack.pop()
            path.pop()
        elif word[0] == '"' and len(stack) <= _MAX_PATH and stack and stack[-1] == "{":
            is_key = text[token.end() : token.end() + 40].lstrip()[:1] == ":"
            key = _key(word) if is_key else key
    return {keys[1:]: count for keys, count in found.items()}


def _is_chat(text: str, candidates: Mapping[tuple[str, ...], int]) -> bool:
    """Whether the object itself is one chat: its `messages` have roles and contents."""
    if not any(len(keys) == 1 and keys[0].lower() in _CHAT_LISTS for keys in candidates):
        return False
    value, _ = first_value(text)
    try:
        chat = strict_json.loads(value) if value else None
    except DataError:
        return False
    if not isinstance(chat, dict):
        return False
    lists = [items for name, items in chat.items() if name.lower() in _CHAT_LISTS and isinstance(items, list)]
    return any(isinstance(item, dict) and _CHAT_KEYS & item.keys() for items in lists for item in items[:3])


def _key(word: str) -> str:
    try:
        value = json.loads(word)
    except ValueError:
        return ""
    return value if isinstance(value, str) else ""


def _array_note(path: tuple[str, ...]) -> str:
    return f"The rows are in the array at {'.'.join(path)!r}." if path else "A JSON array; each element is a row."
