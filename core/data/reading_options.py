"""What a user may choose about how a file is read: one definition per choice, for app, command line and remedies.

A new choice is one field of `Reading`. A format that obeys it stores it in its Detection under the same name and
returns it from `choices`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from core import arguments
from core.errors import DataError

MAX_HEADER_ROWS: Final = 9
MAX_DELIMITER: Final = 10  # characters
_MAX_SKIPPED = 100_000
_ESCAPES = {"\\t": "\t", "\\\\": "\\"}
_HEX = re.compile(r"\\x([0-9a-fA-F]{2})")
_YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "none": False, "0": False}


@dataclass(frozen=True, slots=True)
class ReadingOption:
    """One value of a choice. `text` adds what the title does not say; `word` is the value on the command line."""

    value: Any
    title: str
    text: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class ReadingField:
    """The definition of one choice.

    Attributes:
        name: the attribute of Reading and of Detection, and the key in overrides.
        title: its label in the app.
        flag: its option on the command line.
        help: a sentence for both.
        parse: the value of a text from the command line, or of a value from the app. Raises ValueError with what is
            right instead.
        options: the usual values; () where there are no usual ones.
        is_free: other values are possible than the usual ones.
    """

    name: str
    title: str
    flag: str
    help: str
    parse: Callable[[object], Any]
    options: tuple[ReadingOption, ...] = ()
    is_free: bool = False

    def value_of(self, given: object) -> Any:
        """The value that a user gave; None where detection decides.

        Raises:
            DataError: it is not a value of this choice.
        """
        if given is None:
            return None
        if isinstance(given, str):
            word = given.strip().lower()
            for option in self.options:
                if word and word == option.word:
                    return option.value
        try:
            return self.parse(given)
        except ValueError as error:
            shown = repr(given) if isinstance(given, str) else str(given)
            message = f"{self.title}: {shown[:80]} is not possible."
            raise DataError(message, f"{self.flag} needs {error}.", field=self.name) from None

    def option(self, value: Any) -> ReadingOption | None:
        """The usual value that equals this one."""
        return next((option for option in self.options if option.value == value), None)

    def text_of(self, value: Any) -> str:
        """A value as the command line takes it."""
        option = self.option(value)
        if option is not None and option.word:
            return option.word
        if isinstance(value, tuple):
            return ("," if self.name == "names" else ".").join(value)
        return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in str(value))


def _text(given: object) -> str:
    if not isinstance(given, str) or not given.strip():
        raise ValueError("a name")
    return given


def _unescaped(given: object, what: str) -> str:
    if not isinstance(given, str) or not given:
        raise ValueError(what)
    text = _HEX.sub(lambda match: chr(int(match[1], 16)), _ESCAPES.get(given, given))
    if any(character in "\r\n\0" for character in text):
        raise ValueError(what)
    return text


def _delimiter(given: object) -> str:
    text = _unescaped(given, "a character such as a comma, or a short text such as '||'")
    if len(text) > MAX_DELIMITER:
        raise ValueError(f"at most {MAX_DELIMITER} characters")
    return text


def _character(given: object) -> str:
    if given == "":
        return ""
    text = _unescaped(given, "a single character or 'none'")
    if len(text) > 1:
        raise ValueError("a single character or 'none'")
    return text


def _comment(given: object) -> str:
    if given == "":
        return ""
    text = _unescaped(given, "the character that comments begin with, or 'none'")
    if len(text) > MAX_DELIMITER:
        raise ValueError(f"at most {MAX_DELIMITER} characters")
    return text


def _header(given: object) -> int:
    """How many rows name the columns: False or 0, True or 1, or more."""
    if isinstance(given, str):
        given = _YES_OR_NO.get(given.strip().lower(), int(given) if given.strip().isdecimal() else None)
    if not isinstance(given, int) or not 0 <= given <= MAX_HEADER_ROWS:
        raise ValueError(f"'yes', 'no', or how many rows name the columns, at most {MAX_HEADER_ROWS}")
    return bool(given) if given < 2 else given


def _count(given: object) -> int:
    if isinstance(given, str) and given.strip().isdecimal():
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= _MAX_SKIPPED:
        raise ValueError(f"a number of lines, at most {_MAX_SKIPPED:,}")
    return given


def _path(given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        return tuple(given.split(".")) if given else ()
    if not isinstance(given, (list, tuple)) or not all(isinstance(key, str) for key in given):
        raise ValueError("the keys that lead to the array, joined by dots")
    return tuple(given)


def _names(given: object) -> tuple[str, ...]:
    names = given.split(",") if isinstance(given, str) else given
    if given in ("", (), []):
        return ()
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError("names separated by commas")
    return tuple(name.strip() for name in names)


def _known(*words: str) -> Callable[[object], str]:
    def parse(given: object) -> str:
        if given not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(given)

    return parse


_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "cp1252": "Western European (Windows-1252)",
    "iso8859-15": "Western European (ISO 8859-15)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "shift_jis": "Japanese (Shift JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "gb18030": "Chinese, simplified (GB 18030)",
    "big5": "Chinese, traditional (Big5)",
    "euc_kr": "Korean (EUC-KR)",
    "mac-roman": "Western European (Mac)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little endian without a mark",
    "utf-16-be": "UTF-16, big endian without a mark",
    "utf-32": "UTF-32",
}


def _options(*values: tuple[Any, str, str]) -> tuple[ReadingOption, ...]:
    return tuple(ReadingOption(value, title, word=word) for value, title, word in values)


def _choice(
    title: str,
    flag: str,
    help: str,
    parse: Callable[[object], Any],
    options: Iterable[ReadingOption] = (),
    *,
    is_free: bool = False,
) -> Any:
    return field(default=None, metadata={"is": (title, flag, help, parse, tuple(options), is_free)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a user wants a file to be read. What is None is detected."""

    format: str | None = _choice(
        "Format",
        "--format",
        "Read the file as this format, such as csv or jsonl, whatever its content looks like.",
        _text,
    )
    encoding: str | None = _choice(
        "Encoding",
        "--encoding",
        "Encoding of the text, such as utf-8 or cp1252.",
        _text,
        [ReadingOption(codec, title, word=codec) for codec, title in _ENCODINGS.items()],
    )
    delimiter: str | None = _choice(
        "Cells are separated by",
        "--delimiter",
        r"What separates the cells: one or more characters, \t, \x01, or a name such as tab or semicolon.",
        _delimiter,
        _options(
            (",", "Comma  ,", "comma"),
            (", ", "Comma and space", "comma-space"),
            (";", "Semicolon  ;", "semicolon"),
            ("\t", "Tab", "tab"),
            ("|", "Pipe  |", "pipe"),
            (":", "Colon  :", "colon"),
            ("^", "Caret  ^", "caret"),
            ("~", "Tilde  ~", "tilde"),
            (" ", "Space", "space"),
            ("\x01", "Control character 1  \\x01", "\\x01"),
        ),
        is_free=True,
    )
    quotechar: str | None = _choice(
        "Cells are quoted with",
        "--quote",
        "The quote around cells that contain delimiters: \", ' or none.",
        _character,
        _options(('"', 'Double quote  "', "double"), ("'", "Single quote  '", "single"), ("", "No quoting", "none")),
    )
    escape: str | None = _choice(
        "A quote inside a cell is",
        "--escape",
        "How a quote inside a quoted cell is written: double or backslash.",
        _character,
        _options(("", 'Doubled  ""', "double"), ("\\", 'After a backslash  \\"', "backslash")),
    )
    header: int | None = _choice(
        "Header",
        "--header",
        "Whether the first row names the columns: yes, no, or how many rows do.",
        _header,
        _options(
            (True, "The first row names the columns", "yes"),
            (2, "The first 2 rows name the columns", "2"),
            (3, "The first 3 rows name the columns", "3"),
            (False, "There is no header", "no"),
        ),
    )
    skip_lines: int | None = _choice(
        "Lines before the header", "--skip-lines", "How many lines above the header are not part of the table.", _count
    )
    comment: str | None = _choice(
        "Comments begin with",
        "--comment",
        "Leave out the lines that begin with this, such as #; or none.",
        _comment,
        _options(("", "There are no comments", "none"), ("#", "Number sign  #", "#")),
        is_free=True,
    )
    short_rows: str | None = _choice(
        "Rows with too few cells",
        "--short-rows",
        "reject, or fill: add blank cells at the end.",
        _known("reject", "fill"),
        _options(("reject", "Reject them", "reject"), ("fill", "Fill them with blanks", "fill")),
    )
    long_rows: str | None = _choice(
        "Rows with too many cells",
        "--long-rows",
        "reject, or join: the last column takes the rest of the line.",
        _known("reject", "join"),
        _options(("reject", "Reject them", "reject"), ("join", "The last column takes the rest", "join")),
    )
    names: tuple[str, ...] | None = _choice(
        "Names of the columns",
        "--columns",
        "Names for the columns, separated by commas, instead of those in the file.",
        _names,
    )
    array_path: tuple[str, ...] | None = _choice(
        "Rows are taken from", "--array", "JSON: the keys that lead to the array of rows, such as data.items.", _path
    )
    layout: str | None = _choice(
        "Objects are",
        "--layout",
        "JSONL: lines or values (one object per line, or over several); JSON: columns, members (one object) or values.",
        _known("lines", "values", "columns", "members"),
    )
    sheet: str | None = _choice("Sheet", "--sheet", "Excel: the name of the sheet to read.", _text)
    merged: str | None = _choice(
        "Cells merged over several rows", "--merged", "Excel: keep, or repeat: every row gets the text.",
        _known("keep", "repeat"),
        _options(
            ("keep", "Only the first row has the text", "keep"), ("repeat", "Repeat the text in every row", "repeat")
        ),
    )  # fmt: skip
    passages: str | None = _choice(
        "Each passage is",
        "--passages",
        "Text and Markdown: paragraph, section or line.",
        _known("paragraph", "section", "line"),
        [ReadingOption(unit, f"A {unit}", word=unit) for unit in ("paragraph", "section", "line")],
    )
    nested: str | None = _choice(
        "Objects and lists in cells",
        "--nested",
        "keep, text (as JSON), or flatten (one column per inner key).",
        _known("keep", "text", "flatten"),
        _options(
            ("keep", "Keep them as they are", "keep"),
            ("text", "Write them as JSON text", "text"),
            ("flatten", "One column per inner key", "flatten"),
        ),
    )

    @classmethod
    def of(cls, given: Self | Mapping[str, Any] | None) -> Self:
        """The choices of an app, a script or a command line, checked.

        Raises:
            DataError: an unknown choice, or an impossible value; `field` names it.
        """
        if isinstance(given, cls):
            return given
        values = {}
        for name, value in arguments.mapping(given, "overrides").items():
            if name not in READING:
                raise DataError(
                    f"There is no choice {name!r} about how a file is read.",
                    f"Choose from {', '.join(READING)}.",
                    field=name,
                )
            values[name] = READING[name].value_of(value)
        return cls(**values)

    def flags(self) -> list[str]:
        """The same choices as arguments of a command."""
        return [part for name in READING if (value := getattr(self, name)) is not None for part in _flag(name, value)]


READING: Final[Mapping[str, ReadingField]] = {
    entry.name: ReadingField(entry.name, *entry.metadata["is"]) for entry in fields(Reading)
}


def _flag(name: str, value: Any) -> tuple[str, str]:
    return READING[name].flag, READING[name].text_of(value)


def how(name: str, value: Any = None) -> str:
    """What to choose, in the app and on the command line, as a part of a remedy."""
    choice = READING[name]
    if value is None:
        return f"“{choice.title}” ({choice.flag} on the command line)"
    option = choice.option(value)
    title = option.title if option else choice.text_of(value)
    return f"“{choice.title}: {title}” ({shlex.join(_flag(name, value))} on the command line)"
