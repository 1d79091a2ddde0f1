"""Numbers, percentages, scientific numbers and fractions by their format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from core.data.workbook.tokens import FormatToken, Unrenderable, general

_PLAIN_BELOW = Decimal(10) ** 12


def renderer(part: Sequence[FormatToken]) -> Callable[[float, bool], str]:
    """How a section shows a number.

    Raises:
        Unrenderable: the section makes no sense.
    """
    slash = next((index for index, token in enumerate(part) if token.kind == "slash"), None)
    if slash is not None and any(token.kind == "digit" for token in part[:slash]):
        fraction = _FractionPart.of(part, slash)
        return lambda value, from_1904: fraction.shown(value)
    made = _Digits.of(part)
    usual = made.usual()
    if usual is None:
        return lambda value, from_1904: made.shown(value)
    before, spec, after = usual
    step, scale = Decimal(1).scaleb(-made.places), made.scale

    def shown(value: float, from_1904: bool) -> str:
        number = exact(value)
        if abs(number) >= _PLAIN_BELOW:
            return made.shown(value)
        rounded = (number.scaleb(scale) if scale else number).quantize(step, ROUND_HALF_UP)
        sign = "-" if value < 0 else ""
        return f"{sign}{before}{abs(rounded):{spec}}{after}"

    return shown


def exact(value: float) -> Decimal:
    """A number as Excel knows it: 15 digits."""
    return Decimal(f"{value:.15g}")


@dataclass(frozen=True, slots=True)
class _Digits:
    """A section with digits: what is written before, between and after them.

    Attributes:
        whole, decimals, power: the placeholders before the point, after it, and of the exponent; literals in between.
        scale: powers of ten that percent signs add and trailing commas take away.
    """

    whole: tuple[FormatToken, ...]
    decimals: tuple[FormatToken, ...]
    power: tuple[FormatToken, ...]
    power_sign: str
    point: bool
    grouped: bool
    scale: int

    @classmethod
    def of(cls, part: Sequence[FormatToken]) -> _Digits:
        places = [index for index, token in enumerate(part) if token.kind == "digit"]
        exponent = next((index for index, token in enumerate(part) if token.kind == "exponent"), None)
        point = next((index for index, token in enumerate(part) if token.kind == "point"), None)
        if exponent is not None and not any(index > exponent for index in places):
            raise Unrenderable("its exponent has no digits")
        end = len(part) if exponent is None else exponent
        mantissa = [index for index in places if index < end]
        grouped, scale = False, 2 * sum(token.kind == "percent" for token in part)
        whole_places = [index for index in mantissa if point is None or index < point]
        for index, token in enumerate(part):
            if token.kind != "comma" or not mantissa:
                continue
            if whole_places and whole_places[0] < index < whole_places[-1]:
                grouped = True
            elif (index > mantissa[0] and not any(part[at].kind == "digit" for at in range(index, end))) or (
                point is not None and whole_places and whole_places[-1] < index < point
            ):
                scale -= 3
        kept = [
            token if token.kind != "point" or index == point else FormatToken("other", ".", ".")
            for index, token in enumerate(part)
        ]
        cut = end if point is None or point > end else point
        after = () if cut == end else tuple(kept[cut + 1 : end])
        power = () if exponent is None else tuple(kept[exponent + 1 :])
        sign = "" if exponent is None else part[exponent].raw[1]
        return cls(tuple(kept[:cut]), after, power, sign, point is not None and point < end, grouped, scale)

    @property
    def places(self) -> int:
        return sum(token.kind == "digit" for token in self.decimals)

    def usual(self) -> tuple[str, str, str] | None:
        """Before, format specification and after, where a format is as usual as `"$"#,##0.00`; else None."""
        marks = [token.kind == "digit" or token.kind == "comma" for token in self.whole]
        if self.power or not any(token.kind == "digit" for token in self.whole):
            return None
        first, last = marks.index(True), len(marks) - 1 - marks[::-1].index(True)
        digits = "".join(token.raw for token in self.whole[first : last + 1] if token.kind == "digit")
        decimals = [token.kind == "digit" for token in self.decimals]
        places = sum(decimals)
        is_usual = all(marks[first : last + 1]) and digits.lstrip("#") == "0" and all(decimals[:places])
        written = [*self.whole[:first], *self.whole[last + 1 :], *self.decimals[places:]]
        zeros = all(token.raw == "0" for token in self.decimals[:places])
        if not is_usual or not zeros or any(token.kind == "general" for token in written):
            return None
        if self.point != bool(places) or (places and self.whole[last + 1 :]):
            return None
        after = (*self.whole[last + 1 :], *self.decimals[places:])
        return _literals(self.whole[:first]), f"{',' if self.grouped else ''}.{places}f", _literals(after)

    def shown(self, value: float) -> str:
        number = exact(value).scaleb(self.scale) if self.scale else exact(value)
        negative = number < 0
        number = abs(number)
        if self.power:
            body = self._scientific(number)
        elif not any(token.kind in ("digit", "general") for token in (*self.whole, *self.decimals)):
            body = _literals(self.whole) + ("." if self.point else "") + _literals(self.decimals)
        else:
            body = self._plain(number, self.places)
        return f"-{body}" if negative and body.strip() else body

    def _plain(self, number: Decimal, places: int) -> str:
        rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if number < Decimal(10) ** 20 else number
        whole, _, decimals = f"{rounded:f}".partition(".")
        return self._laid(whole, decimals[:places].ljust(places, "0"), number)

    def _laid(self, whole: str, decimals: str, number: Decimal) -> str:
        before = _whole(self.whole, "" if whole.strip("0") == "" else whole, self.grouped, number)
        return before + ("." if self.point else "") + _decimals(self.decimals, decimals)

    def _scientific(self, number: Decimal) -> str:
        step = max(sum(token.kind == "digit" for token in self.whole), 1)
        places = sum(token.kind == "digit" for token in self.decimals)
        power = 0
        if number:
            power = number.adjusted() // step * step
            rounded = number.scaleb(-power).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
            if rounded >= Decimal(10) ** step:
                power += step
        mantissa = number.scaleb(-power).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        whole, _, decimals = f"{mantissa:f}".partition(".")
        sign = "-" if power < 0 else "+" if self.power_sign == "+" else ""
        digits = _whole(self.power, str(abs(power)) if power else "", False, mantissa)
        return f"{self._laid(whole, decimals, mantissa)}E{sign}{digits}"


def _literals(tokens: Sequence[FormatToken]) -> str:
    return "".join("%" if token.kind == "percent" else token.text for token in tokens if _is_written(token))


def _is_written(token: FormatToken) -> bool:
    return token.is_literal or token.kind == "percent"


def _whole(tokens: Sequence[FormatToken], digits: str, grouped: bool, number: Decimal) -> str:
    """The digits from right to left in their places; those beyond the first place are written there."""
    places = [index for index, token in enumerate(tokens) if token.kind == "digit"]
    first = places[0] if places else -1
    out: list[str] = []
    left, written = digits, 0
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        if token.kind == "digit":
            taken = left if index == first else left[-1:]
            left = left[: len(left) - len(taken)]
            for digit in reversed(taken) if taken else [{"0": "0", "?": " "}.get(token.raw, "")]:
                if digit:
                    if grouped and written and written % 3 == 0:
                        out.append("," if digit != " " else " ")
                    out.append(digit)
                    written += 1
        elif _is_written(token):
            out.append("%"[::-1] if token.kind == "percent" else token.text[::-1])
        elif token.kind == "general":
            out.append(general(float(number))[::-1])
    return "".join(out)[::-1]


def _decimals(tokens: Sequence[FormatToken], digits: str) -> str:
    significant = len(digits.rstrip("0"))
    out, at = [], 0
    for token in tokens:
        if token.kind == "digit":
            out.append(digits[at] if at < significant else {"0": "0", "?": " "}.get(token.raw, ""))
            at += 1
        elif _is_written(token):
            out.append("%" if token.kind == "percent" else token.text)
    return "".join(out)


@dataclass(frozen=True, slots=True)
class _FractionPart:
    """A section with a fraction: the text around it, whether a whole number is written apart, the denominator."""

    before: str
    after: str
    whole: bool
    whole_zero: bool
    fixed: int
    most: int

    @classmethod
    def of(cls, part: Sequence[FormatToken], slash: int) -> _FractionPart:
        start = slash
        while start and part[start - 1].kind == "digit":
            start -= 1
        end, text = slash + 1, ""
        while end < len(part) and (part[end].kind == "digit" or part[end].raw.isdigit()):
            text += part[end].raw
            end += 1
        if start == slash or not text:
            raise Unrenderable("its fraction has no digits")
        whole = [token for token in part[:start] if token.kind == "digit"]
        first = next((index for index, token in enumerate(part) if token.kind == "digit"), start)
        fixed = int(text) if text.isdigit() and text.strip("0") else 0
        return cls(
            _literals(part[:first]),
            _literals(part[end:]),
            bool(whole),
            any(token.raw == "0" for token in whole),
            fixed,
            10 ** len(text) - 1,
        )

    def shown(self, value: float) -> str:
        number = Fraction(exact(abs(value)))
        if self.fixed:
            numerator, denominator = int(number * self.fixed + Fraction(1, 2)), self.fixed
        else:
            whole, rest = divmod(number, 1)
            numerator, denominator = _near(rest, self.most)
            numerator += int(whole) * denominator
        sign = "-" if value < 0 and numerator else ""
        if not self.whole:
            return f"{sign}{self.before}{numerator}/{denominator}{self.after}"
        whole_number, left = divmod(numerator, denominator)
        written = str(whole_number) if whole_number or self.whole_zero or not left else ""
        fraction = f"{left}/{denominator}" if left else ""
        return f"{sign}{self.before}{' '.join(filter(None, (written, fraction)))}{self.after}"


def _near(number: Fraction, most: int) -> tuple[int, int]:
    """Numerator and denominator as Excel chooses them: the last step of the continued fraction that fits."""
    before, last, rest = (0, 1), (1, 0), number
    while True:
        whole = int(rest)
        after = whole * last[0] + before[0], whole * last[1] + before[1]
        if after[1] > most:
            return last
        before, last, rest = last, after, rest - whole
        if rest < Fraction(1, 20_000_000):
            return last
        rest = 1 / rest
