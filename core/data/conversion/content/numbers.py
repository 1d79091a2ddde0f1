"""Numbers as people of any country write them: `1,014.95`, `1.014,95`, `1 014,95`, `1'014.95`, `12 %`, `€ 9,90`."""

from __future__ import annotations

import re
from typing import Literal

Style = Literal[
    "point", "comma", "either"
]  # which sign separates the decimals; "either" where one number leaves it open

_CURRENCY = r"(?:[$€£¥₹₽₺₩₫₪฿₴₦￥円元원]|R\$|US\$|A\$|C\$|Fr\.|kr\.?|zł|Kč|Ft|lei|лв\.?|руб\.?|[A-Z]{3})"
_NUMBER = re.compile(
    rf"""(?P<open>\()?[+\-−–]?\s?(?:{_CURRENCY}\s?)?[+\-−–]?
    (?:
        (?P<grouped_point>\d{{1,3}}(?:,\d{{2,3}})*,\d{{3}}\.\d+)              # 1,014.95; 12,34,567.00
      | (?P<grouped_comma>\d{{1,3}}(?:\.\d{{3}})+,\d+)                        # 1.014,95
      | (?P<many_commas>\d{{1,3}}(?:,\d{{2,3}})+,\d{{3}})                     # 1,014,950
      | (?P<many_points>\d{{1,3}}(?:\.\d{{3}}){{2,}})                         # 1.014.950
      | (?P<one_sign>[1-9]\d{{0,2}}[.,]\d{{3}})                              # 1.014: a thousand and fourteen, or one
      | (?P<spaced>\d{{1,3}}(?:[ '’\u00a0\u2009\u202f]\d{{3}})+(?:[.,]\d+)?)  # 1 014,95; 1'014.95
      | (?P<decimals>\d*[.,]\d+|\d+)
    )
    (?:[eE][+\-]?\d{{1,3}})?(?(open)\))
    \s?(?:[%％‰]|{_CURRENCY}|[-−])?""",
    re.VERBOSE,
)
_LEADING_ZERO = re.compile(r"\D*0\d")  # an identifier such as 00123, not a number
_DIGIT = re.compile(r"\d")
_LONGEST = 40
_CODE = re.compile(r"[A-Z]{3}")
_NOT_CURRENCIES = frozenset({"INC", "REF", "INV", "ORD", "TKT", "SKU", "REQ", "BUG", "TAB", "FIG", "NOV", "DEC", "JAN"})


def style(text: str) -> Style | None:
    """How the decimals of a number are written; None if the text is not a number."""
    if text.isdecimal():
        return "either" if text[0] != "0" or len(text) == 1 else None
    if len(text) > _LONGEST or not _DIGIT.search(text):
        return None
    match = _NUMBER.fullmatch(text)
    if match is None or _LEADING_ZERO.match(text):
        return None
    if (code := _CODE.search(text)) and code.group() in _NOT_CURRENCIES:
        return None
    kind = match.lastgroup if match.lastgroup != "open" else "decimals"
    if kind in ("grouped_point", "many_commas"):
        return "point"
    if kind in ("grouped_comma", "many_points"):
        return "comma"
    if kind == "one_sign":
        return "either"
    digits = match.group(kind or "decimals")
    return "comma" if "," in digits else "point" if "." in digits else "either"


def value(text: str, decimals: Style) -> float | None:
    """The number in a text; None if it is not one.

    Args:
        decimals: the sign of the column it is in; "either" reads `1.014` and `1,014` as a thousand and fourteen.
    """
    own = style(text)
    if own is None:
        return None
    sign = own if own != "either" else decimals
    digits = re.sub(rf"{_CURRENCY}|[^\d.,eE+\-−–()]", "", text)
    negative = digits.startswith(("-", "−", "–", "(")) or digits.endswith(("-", "−"))
    digits = digits.strip("()+-−–")
    if sign == "either":
        digits = digits.replace(".", "").replace(",", "")
    elif sign == "comma":
        digits = digits.replace(".", "").replace(",", ".")
    else:
        digits = digits.replace(",", "")
    try:
        number = float(digits)
    except ValueError:
        return None
    return -number if negative else number
