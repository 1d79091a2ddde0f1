"""JSON lines: one object per physical line. Objects pretty-printed over several lines are read as well."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.findings import reject
from core.formats import strict_json
from core.formats.base import MAX_RECORD, Detection, Head
from core.formats.json_text import JsonText, first_value, row_or_reject
from core.formats.text import damage, lines, shortened
from core.messages import Reject, Row


class JsonlFormat:
    """Lines, each an object; or objects one after another (layout `values`)."""

    id = "jsonl"
    title = "JSON lines"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson", ".jsonlines")

    def sniff(self, head: Head) -> float:
        start = head.text.lstrip()[:1]
        named = head.suffix in self.suffixes
        if start == "{":
            layout = self._layout(head)
            if layout == "lines":
                return 0.95
            return 0.9 if layout == "values" or named else 0.0
        if start == "[":  # an array, whatever the name says, unless every line is one
            first = head.text.lstrip().partition("\n")[0]
            return 0.95 if _lines_of_values(head) and _is_value(first) else 0.0
        return 0.5 if named else 0.0

    def detect(self, head: Head, overrides: Mapping[str, Any]) -> Detection:
        layout = overrides.get("layout") or self._layout(head) or _layout_of_one(head)
        notes = ["JSON lines: one object per line."]
        if layout == "values":
            notes = ["JSON objects, one after another over several lines each."]
        return Detection(self.id, head.encoding, layout=layout, notes=tuple(notes))

    def read(self, path: Path, detection: Detection) -> Iterator[Row | Reject]:
        codec = detection.encoding or "utf-8"
        if detection.layout == "values":
            yield from JsonText(path, codec).values()
            return
        for line in lines(path, codec):
            if line.text.isspace():
                continue
            text = line.text.rstrip("\r\n")
            if line.too_long:
                message = f"The line is longer than {MAX_RECORD:,} characters."
                yield reject("json_too_long", message, line=line.number, raw=shortened(text))
            else:
                yield damage(text, line=line.number, offset=line.offset, codec=codec) or row_or_reject(
                    text, line.number
                )

    def write(self, rows: Iterable[Mapping[str, Any]], path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            for row in rows:
                stream.write(json.dumps(dict(row), ensure_ascii=False, allow_nan=False) + "\n")

    def _layout(self, head: Head) -> str:
        """`lines` or `values`; "" where there is one value only, which is a JSON document."""
        if _lines_of_values(head):
            return "lines"
        end, rest = first_value(head.text)
        if end is None:
            # The head ends inside the first value: a large document, or lines whose first one is broken.
            return "lines" if _second_line_is_a_value(head.text) else ""
        if not rest.strip():
            return "lines" if head.suffix in self.suffixes and "\n" not in head.text.strip() else ""
        if rest.lstrip()[:1] == "{":
            return "values"
        return "lines" if rest.lstrip(" \t")[:1] in "\r\n" else ""


def _layout_of_one(head: Head) -> str:
    """A single object over several lines is read as one value, whatever the name promises."""
    end, _ = first_value(head.text)
    return "lines" if end is None else "values"


def _lines_of_values(head: Head) -> bool:
    """Whether the first lines are complete values, at least two of them."""
    complete = [line for line in head.text.split("\n")[:12] if line.strip()]
    if not head.complete and len(complete) < 12:
        complete = complete[:-1]
    good = sum(_is_value(line) for line in complete)
    return len(complete) >= 2 and good * 2 >= len(complete) and good >= 1


def _second_line_is_a_value(text: str) -> bool:
    filled = [line for line in text.split("\n")[:12] if line.strip()]
    return len(filled) > 1 and any(_is_value(line) for line in filled[1:])


def _is_value(line: str) -> bool:
    """Whether a line is an object or array of its own; deep or odd ones count, truncated ones do not."""
    text = line.strip()
    if text[:1] not in "{[":
        return False
    try:
        strict_json.loads(text)
    except DataError as error:
        return error.code != "json_syntax"
    return True
