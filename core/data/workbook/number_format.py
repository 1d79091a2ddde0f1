"""Excel's number formats: a number and a format code become the text that Excel shows.

    NumberFormat.of('"$"#,##0.00').shown(1234.5)        # "$1,234.50"

Separators are the point and the comma, as in the code itself. What a format leaves to the width of the column (fill
characters, blanks for alignment) is left out at both ends.
Source: ECMA-376 part 1, 18.8.30 and 18.8.31.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from core.data.workbook import date_format, digit_format
from core.data.workbook.tokens import FormatToken, Unrenderable, general, tokens_of

# Source: ECMA-376 part 1, 18.8.30: the formats that a workbook need not define. 14 and 22 follow the computer's region.
BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "[$-F800]",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "[$-F800]",
    37: "#,##0 ;(#,##0)",
    38: "#,##0 ;[Red](#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;[Red](#,##0.00)",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mmss.0",
    48: "##0.0E+0",
    49: "@",
}
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)\s*(-?[\d.]+(?:[eE][+-]?\d+)?)\]")
_MEETS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda limit, value: value < limit,
    "<=": lambda limit, value: value <= limit,
    ">": lambda limit, value: value > limit,
    ">=": lambda limit, value: value >= limit,
    "=": lambda limit, value: value == limit,
    "<>": lambda limit, value: value != limit,
}
Render = Callable[[float, bool], str]  # a number, and whether the workbook counts days from 1904


@dataclass(frozen=True, slots=True)
class _Section:
    """One part of a format: which numbers it is for, whether it writes their sign itself, and how it shows them."""

    applies: Callable[[float], bool]
    signed: bool
    render: Render


@dataclass(frozen=True, slots=True, eq=False)
class NumberFormat:
    """A compiled format.

    Attributes:
        problem: why numbers cannot be shown as Excel does; "" where they can.
        is_plain: a cell is shown as it is, number or text.
        text: what goes around a text: ("Mr. ", "") for `"Mr. "@`.
    """

    sections: tuple[_Section, ...] = ()
    problem: str = ""
    is_plain: bool = False
    text: tuple[str, str] = ("", "")

    def shown(self, value: float, from_1904: bool = False) -> str | None:
        """The text that Excel shows for a number; None where it shows none, as for a negative date."""
        for section in self.sections:
            if section.applies(value):
                try:
                    text = section.render(abs(value) if section.signed else value, from_1904)
                except (Unrenderable, OverflowError, ValueError):
                    return None
                return text.strip()
        return None


@lru_cache(2_000)
def compiled(code: str) -> NumberFormat:
    """The format of a code; one that cannot be rendered says why."""
    try:
        return _compiled(code)
    except Unrenderable as error:
        return NumberFormat(problem=str(error))


def _compiled(code: str) -> NumberFormat:
    if len(code) > 255:
        raise Unrenderable("it is longer than Excel allows")
    parts = list(map(tokens_of, _split(code)))
    if len(parts) > 4:
        raise Unrenderable("it has more than four sections")
    around = _around(parts)
    numeric = parts[:-1] if around is not None and len(parts) > 1 else parts
    text = around or ("", "")
    if all(token.kind in ("general", "text") for part in parts for token in part) and len(parts) == 1:
        return NumberFormat(is_plain=True)
    if any(token.kind == "locale" and token.text.upper() in ("F800", "F400") for token in parts[0]):
        return NumberFormat()  # as the computer's region says, which no file tells
    kinds = {token.kind for token in numeric[0] if not token.is_literal}
    if kinds == {"text"}:
        return NumberFormat((_Section(_any, False, _as_text(text)),), text=text)
    if not any(token.text for token in numeric[0]):
        raise Unrenderable("it hides the numbers")
    return NumberFormat(tuple(_sections(numeric)), text=text)


def _split(code: str) -> list[str]:
    """The sections of a code: semicolons outside quotes, brackets and escapes separate them."""
    found = [""]
    for piece in re.findall(r'"[^"]*"?|\\.|[_*].|\[[^\[\]]*\]|.', code, re.DOTALL):
        if piece == ";":
            found.append("")
        else:
            found[-1] += piece
    return found


def _around(parts: list[tuple[FormatToken, ...]]) -> tuple[str, str] | None:
    """What the section for text writes before and after it; None if there is no such section."""
    last = parts[-1]
    at = [index for index, token in enumerate(last) if token.kind == "text"]
    if not at or (len(parts) not in (1, 4) and not all(token.is_literal or token.kind == "text" for token in last)):
        return None
    before, after = last[: at[0]], last[at[0] + 1 :]
    return _literal(before), _literal(after)


def _literal(tokens: tuple[FormatToken, ...]) -> str:
    return "".join(token.text for token in tokens if token.is_literal)


def _as_text(around: tuple[str, str]) -> Render:
    return lambda value, from_1904: f"{around[0]}{general(value)}{around[1]}"


def _sections(parts: list[tuple[FormatToken, ...]]) -> list[_Section]:
    """Each section with the numbers that it is for: positive, negative and zero, or what its condition says."""
    conditions = [next((match for token in part if (match := _CONDITION.fullmatch(token.raw))), None) for part in parts]
    found = []
    for index, (part, condition) in enumerate(zip(parts, conditions, strict=True)):
        render = _render(part)
        last = index == len(parts) - 1
        if condition:
            meets, limit = _MEETS[condition.group(1)], float(condition.group(2))
            negative_only = condition.group(1) in ("<", "<=") and limit <= 0
            found.append(_Section(partial(meets, limit), negative_only, render))
        elif index == 0 and not last:
            or_zero = len(parts) == 2 or conditions[1] is not None
            found.append(_Section(_from_zero if or_zero else _above_zero, False, render))
        elif index == 1 and len(parts) == 3:
            found.append(_Section(_below_zero, True, render))
        else:
            found.append(_Section(_any, index == 1 and not conditions[0], render))
    return found


def _any(value: float) -> bool:
    return True


def _from_zero(value: float) -> bool:
    return value >= 0


def _below_zero(value: float) -> bool:
    return value < 0


def _above_zero(value: float) -> bool:
    return value > 0


def _render(part: tuple[FormatToken, ...]) -> Render:
    if date_format.is_date(part):
        return date_format.renderer(part)
    return digit_format.renderer(part)
