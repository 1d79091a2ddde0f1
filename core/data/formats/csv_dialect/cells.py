"""How the text of a CSV is cut into cells: the only place that knows the rules of quotes, escapes and comments.

Python's csv reader does the work at the speed of C. What it does not have (delimiters of several characters, a
backslash that escapes nothing but quotes and itself, comments) is translated before and after it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.data.formats.base import MAX_RECORD, Detection

csv.field_size_limit(MAX_RECORD)  # the default limit of 131,072 characters would refuse long cells

# Stand-ins during translation: noncharacters (Unicode 23.7), which no text is supposed to contain.
_DELIMITER, _ESCAPED_DELIMITER, _QUOTE, _BACKSLASH, _MARK = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3", "\ufdd4"
_RESERVED = re.compile("[\ufdd0-\ufdd4]")  # where a text contains them all the same, they are marked
_TRANSLATED = re.compile("\ufdd4.|[\ufdd0-\ufdd3]")


@dataclass(frozen=True)
class Dialect:
    """The rules of one file.

    Attributes:
        delimiter: one or more characters. A character and a space: the space is not part of the cells, but it may be
            missing.
        quote: "" where there are no quotes.
        escape: "" where a quote inside a cell is doubled, or a backslash.
        comment: what a line begins with that is not a record; "" where there are no comments.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    comment: str = ""

    @classmethod
    def of(cls, detection: Detection) -> Dialect:
        """The rules by which a file is read."""
        return cls(detection.delimiter or ",", detection.quotechar or "", detection.escape, detection.comment)

    @property
    def skips_space(self) -> bool:
        """Whether a space after the delimiter is not part of the next cell."""
        return len(self.delimiter) == 2 and self.delimiter[1] == " " != self.delimiter[0]

    @property
    def is_long(self) -> bool:
        """Whether the delimiter has several characters that all count."""
        return len(self.delimiter) > 1 and not self.skips_space

    @property
    def is_plain(self) -> bool:
        """Whether a delimiter of one character and doubled quotes are all that there is, but for comments."""
        return len(self.delimiter) == 1 and not self.escape

    def reader(self, texts: Iterable[str]) -> Any:
        """A strict reader of lines: an iterator over the cells of each record, with `line_num`.

        Text after a closing quote and a quote that never closes are errors (csv.Error). A comment is an empty record.
        """
        if not self.is_long and not self.escape and not self.comment:
            return self.plain_reader(texts, self.delimiter[0])
        return _TranslatingReader(self, texts)

    def plain_reader(self, texts: Iterable[str], delimiter: str) -> Any:
        """Python's reader, with nothing translated."""
        if not self.quote:
            return csv.reader(
                texts, delimiter=delimiter, quoting=csv.QUOTE_NONE, skipinitialspace=self.skips_space, strict=True
            )
        return csv.reader(
            texts, delimiter=delimiter, quotechar=self.quote, skipinitialspace=self.skips_space, strict=True
        )

    def has_comments(self, text: str) -> bool:
        """Whether a line of a text begins like a comment; it may be inside of a cell."""
        mark = self.comment
        return bool(mark) and (text.startswith(mark) or f"\n{mark}" in text or f"\r{mark}" in text)

    def opening_quote(self, texts: Sequence[str]) -> int:
        """Index of the line on which the last quoted cell begins."""
        quote, delimiter = self.quote or '"', self.delimiter[0] if self.skips_space else self.delimiter
        opened, inside = 0, False
        for index, text in enumerate(texts):
            if quote not in text and inside:
                continue
            start = not inside  # at the beginning of a cell
            position = 0
            while position < len(text):
                character = text[position]
                if self.escape and character == self.escape:
                    position, start = position + 2, False
                    continue
                if inside:
                    if character == quote and text[position + 1 : position + 2] == quote:
                        position += 1
                    elif character == quote:
                        inside = False
                        rest = text[position + 1 :][: len(delimiter)]
                        if rest != delimiter and rest[:1] not in ("\n", "\r", ""):
                            return opened  # the error itself
                elif character == quote and start:
                    inside, opened = True, index
                elif text.startswith(delimiter, position):
                    position, start = position + len(delimiter), True
                    continue
                start = start and self.skips_space and character == " "
                position += 1
        return opened

    @cached_property
    def _escaped(self) -> re.Pattern[str]:
        targets = (self.quote or self.delimiter, self.escape)  # a delimiter is escaped only where nothing is quoted
        return re.compile(f"{re.escape(self.escape)}({'|'.join(map(re.escape, targets))})")

    def _hide(self, text: str) -> str:
        """The text with stand-ins for what Python's reader does not have."""
        if not text.isascii() and _RESERVED.search(text):
            text = _RESERVED.sub(self._marked, text)
        if self.escape and self.escape in text:
            text = self._escaped.sub(self._stand_in, text)
        return text.replace(self.delimiter, _DELIMITER) if self.is_long else text

    @staticmethod
    def _marked(match: re.Match[str]) -> str:
        return _MARK + chr(ord(match.group()) - ord(_DELIMITER) + ord("0"))

    def _stand_in(self, match: re.Match[str]) -> str:
        if match[1] == self.escape:
            return _BACKSLASH
        return _QUOTE if self.quote else _ESCAPED_DELIMITER

    def _restored(self, cells: list[str]) -> list[str]:
        return [cell if cell.isascii() else _TRANSLATED.sub(self._original, cell) for cell in cells]

    def _original(self, match: re.Match[str]) -> str:
        text = match.group()
        if text[0] == _MARK:
            return chr(ord(text[1]) - ord("0") + ord(_DELIMITER))
        return {_QUOTE: self.quote, _BACKSLASH: self.escape}.get(text, self.delimiter)


class _TranslatingReader:
    """Python's reader with the text translated before it and the cells after it."""

    def __init__(self, dialect: Dialect, texts: Iterable[str]) -> None:
        self._dialect, self._texts = dialect, texts
        self._begins = True  # the next line begins a record
        self._reader = dialect.plain_reader(self._lines(), _DELIMITER if dialect.is_long else dialect.delimiter[0])

    def _lines(self) -> Iterator[str]:
        comment = self._dialect.comment
        for text in self._texts:
            if comment and self._begins and text.startswith(comment):
                yield "\n"
            else:
                self._begins = False
                yield self._dialect._hide(text)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        self._begins = True
        return self._dialect._restored(next(self._reader))

    @property
    def line_num(self) -> int:
        """How many lines were read."""
        return int(self._reader.line_num)
