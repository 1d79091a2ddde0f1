"""JSON documents: an array of objects, or an object with such an array inside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.data.formats.base import ArrayFound, Detection, Format, Head, ReadingChoice
from core.data.formats.parsing import strict_json
from core.data.formats.parsing.json_text import JsonText, first_value
from core.data.issues import data_error, finding
from core.data.reading_options import Reading, ReadingOption
from core.errors import DataError
from core.messages import Finding, Reject, Row

_NAMES = (".json", ".jsonl", ".ndjson", ".jsonlines")
TABLE_NAMES = (".csv", ".tsv", ".tab", ".txt", ".psv")
_MAX_PATH = 3  # how deep inside objects an array is searched for
# Lists that make an object one chat: such an object is a row, its list is not a table.
_CHAT_LISTS = frozenset({"messages", "conversations", "conversation"})
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
            # `{name} asks` in a table is not JSON either.
            if plausible and (text[0] == "[" or inner in ('"', "}", "/", "") or head.suffix not in TABLE_NAMES):
                return 0.92 if text[0] == "[" else 0.85
            return 0.4 if head.suffix in _NAMES else 0.0
        return 0.6 if head.suffix in self.suffixes else 0.0

    def detect(self, head: Head, chosen: Reading) -> Detection:
        start = head.text.lstrip()[:1]
        found = find_arrays(head.text) if start == "{" else {}
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
        return Detection(
            self.id, head.encoding, layout=layout, array_path=path, arrays=choices, notes=(note, *more),
            findings=findings,
        )  # fmt: skip

    def choices(self, detected: Detection, current: Detection) -> tuple[ReadingChoice, ...]:
        if not current.arrays:
            return ()
        options = [
            ReadingOption(found.path, " → ".join(found.path) or "The whole document", f"{found.count:,} objects seen")
            for found in current.arrays
        ]
        return (ReadingChoice.of("array_path", detected, current, options),)

    def facts(self, detection: Detection) -> tuple[tuple[str, str], ...]:
        if not detection.arrays:
            return ()
        return (("Rows from", " → ".join(detection.array_path) or "the whole document"),)

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        text = JsonText(path, detection.encoding or "utf-8")
        if detection.layout == "values":
            yield from text.values()
            return
        empty = True
        for item in text.array(detection.array_path):
            empty = False
            yield item
        if empty:
            raise data_error("json_no_rows", "The array is empty.", line=1)


def find_arrays(text: str) -> dict[tuple[str, ...], int]:
    """Every array of objects inside an object: the keys that lead to it, and how many objects it has.

    The text may be cut off: only the visible part of each array is counted.
    """
    found: dict[tuple[str, ...], int] = {}
    path: list[str] = []  # the key at each open object
    stack: list[str] = []  # open brackets
    key = ""
    for token in strict_json.TOKEN.finditer(text):
        word = token.group()
        if word in ("{", "["):
            # Deeper brackets are only counted: searching a stack of a million would take forever.
            if word == "{" and 1 < len(stack) <= _MAX_PATH + 1 and stack[-1] == "[" and "[" not in stack[:-1]:
                found[tuple(path)] = found.get(tuple(path), 0) + 1
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
