"""Dates, times and durations by their format."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from core.data.workbook.tokens import FormatToken, Unrenderable

_LAST_DAY = 2_958_465  # 9999-12-31
# The names of months and days by the primary language of a locale. Source: CLDR 45, wide and abbreviated forms.
_NAMES = {
    0x09: (
        "January February March April May June July August September October November December",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        3,
        3,
    ),
    0x07: (
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        3,
        2,
    ),
    0x13: (
        "januari februari maart april mei juni juli augustus september oktober november december",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
        3,
        2,
    ),
    0x0A: (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "lunes martes miércoles jueves viernes sábado domingo",
        3,
        3,
    ),
    0x10: (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
        3,
        3,
    ),
}


def is_date(part: Sequence[FormatToken]) -> bool:
    """Whether a section is of a date or a time."""
    return any(token.kind in ("date", "elapsed", "noon") for token in part)


def renderer(part: Sequence[FormatToken]) -> Callable[[float, bool], str]:
    """How a section shows a number of days.

    Raises:
        Unrenderable: it has names of months or days in a language that is not known here.
    """
    language = next((_language(token) for token in part if token.kind in ("locale", "currency")), 0x09)
    pieces = _pieces(part)
    named = [code for code, _ in pieces if code in ("mmm", "mmmm", "mmmmm", "ddd", "dddd")]
    if named and language not in _NAMES:
        raise Unrenderable("it names months or days in another language")
    names = _NAMES.get(language, _NAMES[0x09])
    decimals = max((len(code) - 1 for code, _ in pieces if code.startswith(".")), default=0)
    noon = any(code == "noon" for code, _ in pieces)
    needs_date = any(code[0] in "yde" or code in ("m", "mm") or code in named for code, _ in pieces)

    def shown(value: float, from_1904: bool) -> str:
        if not 0 <= value < _LAST_DAY + 1:
            raise Unrenderable("it is not a date between 1900 and 9999")
        ticks = round(value * 86_400 * 10**decimals)
        seconds, fraction = divmod(ticks, 10**decimals)
        day, clock = divmod(seconds, 86_400)
        date = _date(day, from_1904) if needs_date else (0, 0, 0, 0)
        return "".join(
            _written(code, text, date, clock, seconds, fraction, decimals, noon, names) for code, text in pieces
        )

    return shown


def _language(token: FormatToken) -> int:
    _, _, locale = token.raw[1:-1].rpartition("-")
    try:
        return int(locale, 16) & 0x3FF or 0x09
    except ValueError:
        return 0x09 if not locale or locale.lower().startswith("en") else 0


def _date(day: int, from_1904: bool) -> tuple[int, int, int, int]:
    """Year, month, day and weekday (Monday is 0); 1900 is a leap year in Excel."""
    if day > _LAST_DAY:
        raise Unrenderable("a date after 9999")
    if from_1904:
        found = datetime.date(1904, 1, 1) + datetime.timedelta(days=day)
    elif day == 0:
        return 1900, 1, 0, 5
    elif day == 60:
        return 1900, 2, 29, 2
    else:
        found = datetime.date(1899, 12, 30 if day > 60 else 31) + datetime.timedelta(days=day)
    weekday = found.weekday() if from_1904 or day > 60 else (found.weekday() - 1) % 7
    return found.year, found.month, found.day, weekday


def _pieces(part: Sequence[FormatToken]) -> list[tuple[str, str]]:
    """What is written, as (code, literal text): `m` beside hours or seconds is a minute, written as `M` here."""
    found: list[tuple[str, str]] = []
    before = ""
    index = 0
    while index < len(part):
        token = part[index]
        if token.kind == "date":
            code = token.raw.lower()
            if code[0] == "m" and len(code) <= 2 and (before in ("h", "[h") or _before_seconds(part[index + 1 :])):
                code = code.upper()
            before = code[0]
            found.append((code, ""))
        elif token.kind == "elapsed":
            before = "[" + token.text[0]
            found.append((f"[{token.text}", ""))
        elif token.kind == "noon":
            found.append(("noon", token.raw))
        elif token.kind == "point" and before in ("s", "[s") and _zeros(part[index + 1 :]):
            count = _zeros(part[index + 1 :])
            found.append(("." + "0" * count, ""))
            index += count
        elif token.is_literal or token.kind in ("slash", "comma", "point", "digit", "percent"):
            found.append(("literal", token.text))
        index += 1
    return found


def _zeros(rest: Sequence[FormatToken]) -> int:
    count = 0
    while count < len(rest) and rest[count].kind == "digit" and rest[count].raw == "0":
        count += 1
    return count


def _before_seconds(rest: Sequence[FormatToken]) -> bool:
    after = next((token for token in rest if token.kind in ("date", "elapsed")), None)
    return after is not None and (after.raw.lower()[0] == "s" or after.text[:1] == "s")


def _written(
    code: str,
    text: str,
    date: tuple[int, int, int, int],
    clock: int,
    seconds: int,
    fraction: int,
    decimals: int,
    noon: bool,
    names: tuple[str, str, int, int],
) -> str:
    year, month, day, weekday = date
    hour = clock // 3600
    match code[0], len(code):
        case "l", _:
            return text
        case "n", _:
            late = hour >= 12
            return text.partition("/")[2 if late else 0]
        case (("y" | "e"), length):
            return f"{year % 100:02}" if code[0] == "y" and length < 3 else str(year)
        case "m", 1 | 2:
            return str(month).zfill(len(code))
        case "m", length:
            name = names[0].split()[month - 1]
            return name if length == 4 or length > 5 else name[0] if length == 5 else name[: names[2]]
        case "d", 1 | 2:
            return str(day).zfill(len(code))
        case "d", length:
            name = names[1].split()[weekday]
            return name if length > 3 else name[: names[3]]
        case "h", length:
            return str((hour % 12 or 12) if noon else hour).zfill(min(length, 2))
        case "M", length:
            return str(clock // 60 % 60).zfill(length)
        case "s", length:
            return str(clock % 60).zfill(min(length, 2))
        case ".", length:
            return "." + str(fraction).zfill(decimals)[: length - 1]
    unit = {"h": 3600, "m": 60, "s": 1}[code[1]]
    return str(seconds // unit).zfill(len(code) - 1)
