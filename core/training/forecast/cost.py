"""The cost of a run, at the price per hour that the user set; None if no price is set."""

from __future__ import annotations

from dataclasses import dataclass

from core.settings import get_settings


@dataclass(frozen=True, slots=True)
class CostForecast:
    """Money for a range of time, at a price per hour (rent, or electricity)."""

    low: float
    high: float
    per_hour: float
    currency: str

    @property
    def text(self) -> str:
        """`0.21 to 0.33 EUR at 2.40 EUR per hour`."""
        low, high = f"{self.low:.2f}", f"{self.high:.2f}"
        amount = f"about {high}" if low == high else f"{low} to {high}"
        return f"{amount} {self.currency} at {self.per_hour:g} {self.currency} per hour"


def forecast_cost(low_s: float | None, high_s: float | None) -> CostForecast | None:
    """The cost of a run; None where no price is set (`SFT_PRICE_PER_HOUR`) or no time is known."""
    settings = get_settings()
    if not settings.price_per_hour or low_s is None or high_s is None:
        return None
    per_hour = settings.price_per_hour
    return CostForecast(low_s / 3600 * per_hour, high_s / 3600 * per_hour, per_hour, settings.currency)
