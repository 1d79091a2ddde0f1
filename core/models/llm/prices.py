"""Prices of tokens: they belong to a connection, have the day they were entered, and are unknown until then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

from core import arguments
from core.errors import SettingsError

ANY_MODEL: Final = "*"
PER_TOKENS: Final = 1_000_000
MOST_USD: Final = 100_000.0  # per million tokens; more is a typo
_wrong = partial(SettingsError, field="prices")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per 1,000,000 tokens, and since when (YYYY-MM-DD; "" if nothing is charged)."""

    input_usd: float
    output_usd: float
    as_of: str = ""

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The price in US dollars."""
        return (prompt_tokens * self.input_usd + completion_tokens * self.output_usd) / PER_TOKENS

    @property
    def is_free(self) -> bool:
        return self.input_usd == 0 and self.output_usd == 0


FREE: Final = Price(0.0, 0.0)


def price_of(prices: Mapping[str, Any], model: str, *, is_local: bool) -> Price | None:
    """The price of a model at a connection; None if none was entered.

    Args:
        prices: {model or "*": {"input", "output", "as_of"}}.
        is_local: a model on the team's own machine is free unless a price was entered.
    """
    entry = prices.get(model) or prices.get(ANY_MODEL)
    if entry:
        return Price(float(entry["input"]), float(entry["output"]), str(entry.get("as_of") or ""))
    return FREE if is_local else None


def checked(prices: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Prices as they are stored; the day is today if it is missing.

    Raises:
        SettingsError: a price is invalid; names its model.
    """
    out: dict[str, dict[str, Any]] = {}
    for model, entry in arguments.mapping(prices, "prices").items():
        name = str(model).strip()
        values: dict[str, Any] = {}
        for kind in ("input", "output"):
            value = entry.get(kind) if isinstance(entry, Mapping) else None
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise _wrong(f"The {kind} price of {name!r} is not a number.", "Enter US dollars per million tokens.")
            if not 0 <= value <= MOST_USD:
                raise _wrong(f"The {kind} price of {name!r} is {value:g}.", f"Enter 0 to {MOST_USD:,.0f}.")
            values[kind] = float(value)
        values["as_of"] = _day(name, entry.get("as_of"))
        if name:
            out[name] = values
    return out


def _day(model: str, given: Any) -> str:
    if not given:
        return datetime.now(UTC).date().isoformat()
    try:
        return date.fromisoformat(str(given)).isoformat()
    except ValueError:
        raise _wrong(f"The day of the price of {model!r} is {given!r}.", "Write it as YYYY-MM-DD.") from None
