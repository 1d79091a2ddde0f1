"""Which encoding a text file is in: a byte order mark, UTF-8, or a guess that is shown and can be changed.

JSON is UTF-8 by its standard (RFC 8259), so a row with other bytes is rejected. A CSV may be in anything.
A single stray byte in an otherwise plain file is damage, not an encoding: the file stays UTF-8 and the row is rejected.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

from core.data.issues import finding
from core.errors import DataError
from core.messages import Finding

# Longest first: the mark of UTF-32-LE begins with that of UTF-16-LE.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_WESTERN = frozenset(
    {"cp1250", "cp1252", "cp1254", "cp1257", "iso8859_1", "iso8859_2", "iso8859_9", "iso8859_15", "latin_1", "cp437",
     "cp850", "cp858", "cp775", "mac_roman", "mac_latin2", "mac_iceland", "mac_turkish", "iso8859_3", "iso8859_4",
     "iso8859_10", "iso8859_13", "iso8859_14", "iso8859_16", "cp852", "cp1258", "cp500", "cp037", "hp_roman8"}
)  # fmt: skip
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
# Where signs of cp1252 belong: what is around them, with NUL in their place.
_AMOUNT = re.compile(r"\d\s?\0|\0\s?\d")
_OPENING, _CLOSING = re.compile(r"(?:^|[\s\"'(,;|\[])\0\w"), re.compile(r"[\w.,!?)]\0(?:$|\W)")
_BETWEEN = re.compile(r"\s\0\s|\w\0[\w\s]")
_SIGNS = {
    **dict.fromkeys("€£¥±½¼¾§", _AMOUNT),
    "°": re.compile(r"\d\s?\0|\0\s?[CFKcfk]\b|\b[nN]\0"),
    **dict.fromkeys("“„«¿¡", _OPENING),
    **dict.fromkeys("”»…™®©", _CLOSING),
    **dict.fromkeys("–—", _BETWEEN),
    **dict.fromkeys("²³", re.compile(r"\w\0")),
    "µ": re.compile(r"\0\w"),
    "’": re.compile(r"\w\0|\0\w"),
    "‘": re.compile(r"\w\0|\0\w"),
    "•": re.compile(r"\0\s"),
    "×": _BETWEEN,
}
_RARE_SIGNS = frozenset("€£¥±²³½¼¾§µ°¿¡")  # elsewhere they are damage; the others are only no proof
_PIECE = 1 << 16  # bytes
_ENOUGH_HIGH_BYTES = 12  # with fewer, only Western text can be told from damage


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec name, notes for the user, and a finding if it was inferred."""

    codec: str
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def detect_encoding(sample: bytes, *, unicode_only: bool = False) -> Encoding:
    """The encoding of a file.

    Args:
        sample: its beginning, and further pieces with bytes above 127.
        unicode_only: True rules out everything but UTF-8, -16 and -32.
    """
    for mark, codec, words in MARKS:
        if sample.startswith(mark):
            note = f"Encoding {words}, by its byte order mark; the mark is not part of the text."
            return Encoding(codec, (note,))
    if codec := _unmarked_wide(sample):
        return Encoding(codec, (f"Encoding {codec.upper()}, inferred from its zero bytes (no byte order mark).",))
    if _is_utf8(sample):
        return Encoding("utf-8")
    valid, invalid = _utf8_sequences(sample)
    if not invalid:
        return Encoding("utf-8")
    codec = "utf-8" if unicode_only or valid >= invalid else _legacy(sample)
    if codec == "utf-8":
        return Encoding("utf-8", ("Encoding UTF-8, with some bytes that are not valid UTF-8.",))
    note = f"Encoding {codec}, inferred from the bytes; you can change it."
    guessed = finding("encoding_guessed", f"The file is not UTF-8; it was read as {codec}.")
    return Encoding(codec, (note,), (guessed,))


def checked_codec(name: str, sample: bytes = b"") -> str:
    """The codec that a user chose; DataError if Python has no text codec of that name.

    Args:
        sample: the beginning of the file: without a byte order mark, its zero bytes show which UTF-16 or -32 it is;
            else little endian.
    """
    try:
        info = codecs.lookup(name)
        if info.name in ("utf-16", "utf-32"):
            if not sample or any(sample.startswith(mark) for mark, codec, _ in MARKS if codec == info.name):
                return info.name
            codec = _unmarked_wide(sample)
            return codec if codec.startswith(info.name) else f"{info.name}-le"
        "".encode(info.name)
        decode_head(b"a", info.name)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        text = f"The encoding {name!r} is unknown."
        raise DataError(text, "Use a name such as utf-8, cp1252 or shift_jis.") from error
    return info.name


def decode_head(raw: bytes, codec: str) -> str:
    """The beginning of a file as text, for detection; bad bytes become U+FFFD, a cut last character is dropped."""
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    return decoder.decode(raw, final=False)


def _unmarked_wide(sample: bytes) -> str:
    """UTF-16 or -32 without a mark, by the positions of the zero bytes of ASCII letters; "" if it is neither."""
    head = sample[:4096]
    head = head[: len(head) // 4 * 4]
    if len(head) < 8 or b"\0" not in head:
        return ""
    zeros = [head[offset::4].count(0) / (len(head) / 4) for offset in range(4)]
    for codec, least, blank, filled in (
        ("utf-32-le", 0.9, (1, 2, 3), (0,)),
        ("utf-32-be", 0.9, (0, 1, 2), (3,)),
        ("utf-16-le", 0.7, (1, 3), (0, 2)),
        ("utf-16-be", 0.7, (0, 2), (1, 3)),
    ):
        if min(zeros[offset] for offset in blank) > least and max(zeros[offset] for offset in filled) < 0.1:
            return codec
    return ""


@lru_cache(maxsize=1)  # detection checks the same bytes twice
def _is_utf8(sample: bytes) -> bool:
    """Whether all bytes are UTF-8, except for a character cut at the end: a quick test that most files pass."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(sample), _PIECE):  # decoding everything at once would need 16 MB
            decoder.decode(sample[start : start + _PIECE], final=False)
    except UnicodeDecodeError:
        return False
    return True


def _utf8_sequences(sample: bytes) -> tuple[int, int]:
    """How many runs of high bytes are valid UTF-8, and how many are not (a run cut at the end counts as neither)."""
    valid = invalid = 0
    for match in _HIGH.finditer(sample):
        try:
            match.group().decode("utf-8")
            valid += 1
        except UnicodeDecodeError as error:
            cut = match.end() == len(sample) and "unexpected end" in error.reason and match.end() - match.start() < 4
            invalid += not cut
    return valid, invalid


def _legacy(sample: bytes) -> str:
    high = sum(len(run) for run in _HIGH.findall(sample))
    if high >= _ENOUGH_HIGH_BYTES:
        from charset_normalizer import from_bytes  # imported here: it takes 50 ms, and most files do not need it

        best = from_bytes(_lines_with_high_bytes(sample)).best()
        if best is not None and best.encoding not in _WESTERN and not best.encoding.startswith("utf"):
            return best.encoding
    return "cp1252" if _is_western(sample) else "utf-8"


def _lines_with_high_bytes(sample: bytes, limit: int = 65_536) -> bytes:
    """The lines with high bytes; the others say nothing about the encoding."""
    lines = [line for line in sample.splitlines(keepends=True) if _HIGH.search(line)]
    return b"".join(lines)[:limit]


def _is_western(sample: bytes) -> bool:
    """Whether the high bytes are letters and signs of cp1252 in places where texts have them."""
    try:
        text = _lines_with_high_bytes(sample).decode("cp1252")
    except UnicodeDecodeError:
        return False
    good = bad = 0
    for match in _BEYOND_ASCII.finditer(text):
        character, index = match.group(), match.start()
        before, after = text[max(index - 2, 0) : index], text[index + 1 : index + 3]
        if character in _SIGNS:
            fits = bool(_SIGNS[character].search(f"{before}\x00{after}"))
            good += fits
            bad += not fits and character in _RARE_SIGNS
            continue
        in_word = before[-1:].isalpha() or after[:1].isalpha()
        if character in "ÿþðÞÐ¤¦¬¯¸" or (
            character.isupper() and not (after[:1].isalpha() or before[-1:].isupper())
        ):  # 0xFF, 0xFE and others that are typical of damage
            bad += 1
        elif character.isalpha():
            good += in_word
            bad += not in_word
    return good > 0 and good > 4 * bad
