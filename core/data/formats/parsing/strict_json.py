"""Strict JSON: what Python's parser accepts against the standard, or crashes on, is refused with a code.

NaN and Infinity, duplicate keys, numbers that are too large, more than 100 nested brackets, lone surrogates.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from core.data.formats.base import MAX_DEPTH
from core.data.formats.parsing.text import line_ends
from core.data.issues import data_error
from core.errors import DataError

# A string (it ends at its quote, or at the end of its line if the quote is missing), a bracket, or a comma. A string
# that goes on beyond the text is `open` and reaches its end, so that nothing in it is searched again.
TOKEN = re.compile(r'"[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+(?:"|(?=[\r\n])|\\(?=[\r\n])|(?P<open>\\?\Z))|[{}\[\],]')
_COMMENT = re.compile(r"\s*(?://|/\*|#)")
_MAX_DIGITS = 4_300  # Source: Python's own limit for turning text into an int (sys.int_info)


def loads(text: str, *, line: int = 1) -> Any:
    """Parse one JSON text.

    Args:
        line: the physical line that the text starts on; errors name their physical line.

    Raises:
        DataError: json_syntax, json_depth, json_duplicate_key, json_number, nul or lone_surrogate.
    """
    check_depth(text, line)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _syntax(error, line) from error
    except _Refused as refused:
        raise data_error(refused.code, str(refused), line=line, field=refused.field) from refused
    if "\\u" in text:
        _check_escapes(value, line)
    return value


def check_depth(text: str, line: int) -> None:
    """Refuse more than MAX_DEPTH nested brackets, before any parser that recurses sees them."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in TOKEN.finditer(text):
        character = token.group()[0]
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise too_deep(line)
        elif character in "]}":
            depth -= 1


def too_deep(line: int) -> DataError:
    return data_error("json_depth", f"Brackets are nested deeper than {MAX_DEPTH} levels.", line=line)


class _Refused(ValueError):
    """Valid for Python's parser, but not allowed here."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused("json_duplicate_key", f"The key {twice[:80]!r} appears twice in one object.", twice[:80])
    return made


def _constant(name: str) -> NoReturn:
    raise _Refused("json_syntax", f"{name} is not valid JSON; use null or a string.")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _Refused("json_number", f"The number {text[:40]} is too large.")
    return value


def _int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise _Refused("json_number", f"A number has {len(text):,} digits; the limit is {_MAX_DIGITS:,}.")
    return int(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_int)


def _syntax(error: json.JSONDecodeError, line: int) -> DataError:
    at = line + line_ends(error.doc[: error.pos])
    start = max(error.doc.rfind("\n", 0, error.pos), error.doc.rfind("\r", 0, error.pos)) + 1
    rest = error.doc[error.pos :]
    if not rest.strip():
        what = "The text ends in the middle of a value"
    elif error.msg == "Extra data":
        what = "A second value follows the first; a line or element has one value"
    elif _COMMENT.match(rest):
        what = "JSON has no comments"
    else:
        what = error.msg
    return data_error("json_syntax", f"{what} (column {error.pos - start + 1}).", line=at)


def _check_escapes(value: Any, line: int) -> None:
    """Refuse NUL and lone surrogates, which can be written as escapes in clean text."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if "\0" in item:
                raise data_error("nul", "The text contains a NUL character.", line=line)
            try:
                item.encode("utf-8")
            except UnicodeEncodeError as error:
                half = f"\\u{ord(item[error.start]):04x}"
                text = f"{half} is a lone surrogate, half of a character."
                raise data_error("lone_surrogate", text, line=line) from error
        elif isinstance(item, list):
            stack += item
        elif isinstance(item, dict):
            stack += item.keys()
            stack += item.values()
