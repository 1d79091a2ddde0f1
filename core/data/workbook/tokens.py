"""The tokens of a number format's section."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r'(?P<quoted>"[^"]*"?)|(?P<escaped>\\.)|(?P<skipped>_.)|(?P<filled>\*.)|(?P<bracket>\[[^\[\]]*\])|'
    r"(?P<general>General)|(?P<noon>AM/PM|A/P|上午/下午)|(?P<exponent>E[+-])|(?P<date>y+|m+|d+|h+|s+|e+)|"
    r"(?P<era>g+|b[12]?|b+)|(?P<digit>[0#?])|(?P<point>\.)|(?P<comma>,)|(?P<percent>%)|(?P<slash>/)|(?P<text>@)|"
    r"(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_COLOR = re.compile(r"\[(?:black|blue|cyan|green|magenta|red|white|yellow|color\s*\d+)\]", re.IGNORECASE)
_LITERAL = frozenset({"quoted", "escaped", "skipped", "other", "currency"})


class Unrenderable(Exception):
    """A format, or a number in it, that cannot be shown as Excel does; the text says why."""


@dataclass(frozen=True, slots=True)
class FormatToken:
    """A piece of a format: `text` is what a literal writes, `raw` the piece itself."""

    kind: str
    raw: str
    text: str = ""

    @property
    def is_literal(self) -> bool:
        return self.kind in _LITERAL


def tokens_of(section: str) -> tuple[FormatToken, ...]:
    """The tokens of one section.

    Raises:
        Unrenderable: digits or eras of another calendar or script.
    """
    return tuple(_token(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(section))


def _token(kind: str, raw: str) -> FormatToken:
    if kind == "quoted":
        return FormatToken(kind, raw, raw.strip('"'))
    if kind == "escaped":
        return FormatToken(kind, raw, raw[1:])
    if kind == "skipped":
        return FormatToken(kind, raw, " ")
    if kind == "other":
        return FormatToken(kind, raw, raw)
    if kind == "bracket":
        return _bracket(raw)
    if kind == "era":
        raise Unrenderable("it writes dates of another calendar")
    return FormatToken(kind, raw, raw)


def _bracket(raw: str) -> FormatToken:
    inner = raw[1:-1]
    if inner.startswith("$"):
        currency, _, locale = inner[1:].partition("-")
        return FormatToken("currency", raw, currency) if currency else FormatToken("locale", raw, locale)
    if re.fullmatch("h+|m+|s+", inner, re.IGNORECASE):
        return FormatToken("elapsed", raw, inner.lower())
    if inner[:1] in ("<", ">", "="):
        return FormatToken("condition", raw)
    if _COLOR.fullmatch(raw):
        return FormatToken("color", raw)
    raise Unrenderable(f"it contains {raw}")


def general(value: float) -> str:
    """A number as the formula bar shows it, with 15 digits."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.15g}".replace("e", "E")
