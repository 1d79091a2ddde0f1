"""Times written in words: `Jan 07, 2025 12:04 AM`, `Di., 7. Januar 2025, 14:05 Uhr`, `7 de enero de 2025, 2:05 p. m.`

Names are those of Unicode's CLDR for the languages below, without accents.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import Final

_LONGEST: Final = 80  # characters
# January to December, one text per language: every name and abbreviation, longer ones in full.
_MONTHS = (
    "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|october oct|"
    "november nov|december dec",
    "januar jaenner janner jan|februar feb|marz maerz mrz|april apr|mai|juni jun|juli jul|august aug|september sept|"
    "oktober okt|november nov|dezember dez",
    "janvier janv|fevrier fevr fev|mars|avril avr|mai|juin|juillet juil|aout|septembre sept|octobre oct|novembre|"
    "decembre dec",
    "enero ene|febrero feb|marzo|abril abr|mayo|junio|julio|agosto ago|septiembre setiembre|octubre|noviembre|"
    "diciembre dic",
    "gennaio gen|febbraio|marzo|aprile|maggio mag|giugno giu|luglio lug|agosto|settembre set|ottobre ott|novembre|"
    "dicembre",
    "janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro out|novembro|dezembro",
    "januari|februari|maart mrt|april|mei|juni|juli|augustus|september|oktober|november|december",
    "januari januar|februari februar|mars marts|april|maj mai|juni|juli|augusti|september|oktober|november|"
    "december desember des",
    "stycznia sty|lutego lut|marca|kwietnia kwi|maja|czerwca cze|lipca lip|sierpnia sie|wrzesnia wrz|"
    "pazdziernika paz|listopada lis|grudnia gru",
    "ocak|subat|mart|nisan|mayis|haziran|temmuz|agustos|eylul|ekim|kasim|aralik",
    "января янв|февраля фев|марта мар|апреля апр|мая май|июня июн|июля июл|августа авг|сентября сен|октября окт|"
    "ноября ноя|декабря дек",
)
_MONTH_OF = {
    name: number
    for language in _MONTHS
    for number, names in enumerate(language.split("|"), 1)
    for name in names.split()
}
# Weekdays and small words around a date; they say nothing that the date does not.
_IGNORED = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mon",
        "tue",
        "tues",
        "wed",
        "thu",
        "thur",
        "thurs",
        "fri",
        "sat",
        "sun",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonnabend",
        "sonntag",
        "mo",
        "di",
        "mi",
        "do",
        "fr",
        "sa",
        "so",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
        "lun",
        "mar",
        "mer",
        "jeu",
        "ven",
        "sam",
        "dim",
        "lunes",
        "martes",
        "miercoles",
        "jueves",
        "viernes",
        "sabado",
        "domingo",
        "mie",
        "jue",
        "vie",
        "sab",
        "dom",
        "lunedi",
        "martedi",
        "mercoledi",
        "giovedi",
        "venerdi",
        "sabato",
        "domenica",
        "gio",
        "segunda",
        "terca",
        "quarta",
        "quinta",
        "sexta",
        "feira",
        "seg",
        "ter",
        "qua",
        "qui",
        "sex",
        "maandag",
        "dinsdag",
        "woensdag",
        "donderdag",
        "vrijdag",
        "zaterdag",
        "zondag",
        "ma",
        "wo",
        "vr",
        "za",
        "zo",
        "mandag",
        "tisdag",
        "tirsdag",
        "onsdag",
        "torsdag",
        "fredag",
        "lordag",
        "sondag",
        "man",
        "tis",
        "tir",
        "ons",
        "tor",
        "fre",
        "lor",
        "son",
        "понедельник",
        "вторник",
        "среда",
        "четверг",
        "пятница",
        "суббота",
        "воскресенье",
        "пн",
        "вт",
        "ср",
        "чт",
        "пт",
        "сб",
        "вс",
        "at",
        "on",
        "the",
        "of",
        "a",
        "as",
        "um",
        "uhr",
        "am",
        "den",
        "der",
        "dem",
        "le",
        "il",
        "el",
        "la",
        "las",
        "los",
        "alle",
        "ore",
        "de",
        "del",
        "da",
        "di",
        "kl",
        "klo",
        "om",
        "o",
        "h",
        "hr",
        "hrs",
        "oclock",
        "local",
        "time",
        "t",
        "г",
        "в",
    ]
)
# Hours east of Greenwich. Names that mean several zones are read as the one in English-language exports.
_ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "mez": 1, "cest": 2, "mesz": 2, "eet": 2,
    "eest": 3, "msk": 3, "ist": 5.5, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "est": -5,
    "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "brt": -3, "art": -3,
}  # fmt: skip
_HALF = r"(?:([ap])\.?\s?m\b\.?)"
_TIME = re.compile(
    rf"{_HALF}?\s{{0,3}}(?<![\d.])(\d{{1,2}})\s?[:h]\s?(\d{{2}})(?:\s?[:m]\s?(\d{{2}})(?:[.,](\d{{1,9}}))?)?(?!\d)\s{{0,3}}{_HALF}?"
)
_DOTTED_TIME = re.compile(rf"()(?<!\d)(\d{{1,2}})\.(\d{{2}})(?:\.(\d{{2}}))?()(?!\d)\s{{0,3}}{_HALF}?")
_NAME = "|".join(sorted(_MONTH_OF, key=len, reverse=True))
_AFTER_DAY = r"(?:st|nd|rd|th|er|[.ºª])?"
_OF = r"(?:\s|[-/.,'’]|de\b|del\b|of\b)*"
_DATES = (
    re.compile(
        rf"(?<!\d)(?P<day>\d{{1,2}}){_AFTER_DAY}{_OF}\b(?P<month>{_NAME})\b{_OF}(?P<year>\d{{4}}|\d{{2}})(?!\d)"
    ),
    re.compile(rf"\b(?P<month>{_NAME})\b{_OF}(?P<day>\d{{1,2}}){_AFTER_DAY}{_OF}(?P<year>\d{{4}})(?!\d)"),
    re.compile(rf"(?<!\d)(?P<year>\d{{4}}){_OF}\b(?P<month>{_NAME})\b{_OF}(?P<day>\d{{1,2}})(?!\d)"),
)
_NUMBERS = re.compile(r"(?<!\d)(\d{1,4})\s?([./-])\s?(\d{1,2})\s?[./-]\s?(\d{1,4})(?!\d)")
_EAST_ASIAN = re.compile(r"(\d{4})\s?[년年.]\s?(\d{1,2})\s?[월月.]\s?(\d{1,2})\s?[일日.]")
_OFFSET = re.compile(r"(?:utc|gmt)?\s?([+-])(\d{1,2}):?(\d{2})?(?!\d)")
_HALVES = (("上午", "am"), ("下午", "pm"), ("午前", "am"), ("午後", "pm"), ("오전", "am"), ("오후", "pm"))


# `2 hours ago`, `vor 3 Tagen`, `hace una hora`, `il y a 2 jours`; and the day before this one.
_UNIT = (
    "sec(?:ond)?s?|min(?:ute)?s?|hours?|days?|weeks?|months?|years?|sekunden?|minuten?|stunden?|tag(?:en?)?|wochen?|"
    "monat(?:en?)?|jahr(?:en?)?|segundos?|minutos?|horas?|dias?|semanas?|mes(?:es)?|anos?|secondes?|heures?|jours?|"
    "semaines?|mois|ans?|second[oi]|minut[oi]|or[ae]|giorn[oi]|settiman[ae]|mes[ei]|ann[oi]|uur|uren|dag(?:en)?|weken|"
    "maand(?:en)?|jaar"
)
_RELATIVE = re.compile(
    rf"(?:\d+|an?|one|few) (?:{_UNIT}) (?:ago|fa|geleden|atras)|un['a ]?\s?(?:{_UNIT}) fa|"
    rf"(?:vor|hace|ha|il y a) (?:\d+|eine[mr]?|un[ae]?|uma?) (?:{_UNIT})|"
    "just now|yesterday|today|gestern|heute|gerade eben|ayer|hoy|hier|aujourd'hui|ontem|hoje|ieri|oggi|gisteren|vandaag"
)


def names_a_time(text: str) -> bool:
    """Whether a text is a date or time in words, also one that is counted from now, such as `2 hours ago`."""
    return _RELATIVE.fullmatch(_plain(text).strip()) is not None or worded(text, day_first=True) is not None


def worded(text: str, day_first: bool) -> datetime | None:
    """The moment that a text names, with a time zone if it names one; None if it is not a date.

    Args:
        day_first: 03/04/2025 is the third of April.
    """
    if not 6 <= len(text) <= _LONGEST:
        return None
    rest = _plain(text)
    clock, rest = _cut(_TIME, rest)
    day, rest = _date(rest, day_first)
    if day is None:
        return None
    if clock is None:
        clock, rest = _cut(_DOTTED_TIME, rest)
    zone, rest = _zone(rest)
    if any(word not in _IGNORED for word in re.findall(r"\w+", rest)):
        return None
    try:
        moment = datetime(*day, tzinfo=zone)
        return moment if clock is None else moment + _since_midnight(clock)
    except (ValueError, OverflowError):
        return None


def ordered(
    one: int, separator: str, two: int, three: int, *, year_first: bool, day_first: bool
) -> tuple[int, int, int]:
    """Year, month and day of three numbers.

    Args:
        year_first: the first number has four digits.
    """
    if year_first:
        return one, two, three
    first_is_day = separator == "." or one > 12 or (day_first and two <= 12)
    year = three + (0 if three >= 100 else 2000 if three < 70 else 1900)
    return (year, two, one) if first_is_day else (year, one, two)


def _plain(text: str) -> str:
    """Lower case, without accents and marks of direction, with plain blanks and digits."""
    for mark, half in _HALVES:
        text = text.replace(mark, f" {half} ")
    text = _EAST_ASIAN.sub(r" \1-\2-\3 ", text)
    split = unicodedata.normalize("NFKD", text).casefold()
    return "".join(" " if c.isspace() else c for c in split if unicodedata.category(c) not in ("Mn", "Cf"))


def _cut(pattern: re.Pattern[str], text: str) -> tuple[re.Match[str] | None, str]:
    found = pattern.search(text)
    return (found, f"{text[: found.start()]} {text[found.end() :]}") if found else (None, text)


def _date(text: str, day_first: bool) -> tuple[tuple[int, int, int] | None, str]:
    for pattern in _DATES:
        found, rest = _cut(pattern, text)
        if found:
            year = int(found["year"])
            year += 0 if year >= 100 else 2000 if year < 70 else 1900
            return (year, _MONTH_OF[found["month"]], int(found["day"])), rest
    found, rest = _cut(_NUMBERS, text)
    if not found:
        return None, text
    one, separator, two, three = found.groups()
    year_first = len(one) == 4
    return ordered(int(one), separator, int(two), int(three), year_first=year_first, day_first=day_first), rest


def _zone(text: str) -> tuple[timezone | None, str]:
    found, rest = _cut(_OFFSET, text)
    if found:
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        return (timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes)) if minutes < 1440 else None), rest
    for word in re.findall(r"[a-z]+", text):
        if word in _ZONES:
            return timezone(timedelta(hours=_ZONES[word])), re.sub(rf"\b{word}\b", " ", text, count=1)
    return None, text


def _since_midnight(clock: re.Match[str]) -> timedelta:
    """The time of day. Raises ValueError for 25:00 and 13:00 PM."""
    before, hour, minute, second, fraction, after = clock.groups()
    hours, half = int(hour), before or after
    if half:
        if not 1 <= hours <= 12:
            raise ValueError(hours)
        hours = hours % 12 + (12 if half == "p" else 0)
    if hours > 23 or int(minute) > 59 or int(second or 0) > 60:
        raise ValueError(hours)
    part = int((fraction or "0").ljust(6, "0")[:6])
    return timedelta(hours=hours, minutes=int(minute), seconds=int(second or 0), microseconds=part)
