"""What hosted services charge for training, as published, each with its date; and the epochs that they choose.

People's own prices (screen *Spending*) come first. A published price is a default with a date, never a promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PER_TOKENS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class PublishedPrice:
    """US dollars for 1,000,000 training tokens, times epochs.

    Args:
        base_model: the beginning of the base's id at the service, as `gpt-4o-mini` of `gpt-4o-mini-2024-07-18`.
        as_of: the day on which it was seen (YYYY-MM-DD).
        source: where the price is from, in words.
    """

    service: str
    base_model: str
    usd: float
    as_of: str
    source: str

    @property
    def service_title(self) -> str:
        """The service's name."""
        return _TITLES.get(self.service, self.service)

    def cost(self, tokens: float) -> float:
        """The price of training tokens (those of all epochs) in US dollars."""
        return tokens * self.usd / PER_TOKENS


_TITLES: Final = {"openai": "OpenAI"}
_OPENAI: Final = "OpenAI's list of prices"
PUBLISHED: Final[tuple[PublishedPrice, ...]] = tuple(
    PublishedPrice("openai", base, usd, "2026-05-31", _OPENAI)
    for base, usd in (
        ("gpt-4.1", 25.0),
        ("gpt-4.1-mini", 5.0),
        ("gpt-4.1-nano", 1.5),
        ("gpt-4o", 25.0),
        ("gpt-4o-mini", 3.0),
        ("gpt-3.5-turbo", 8.0),
    )
)

# Source: OpenAI's cookbook, "Data preparation and analysis for chat model fine-tuning": TARGET_EPOCHS 3, as many more
# as 100 examples in total need, and fewer above 25,000.
TARGET_EPOCHS: Final = 3
_LEAST_EXAMPLES, _MOST_EXAMPLES = 100, 25_000
_LEAST_EPOCHS, _MOST_EPOCHS = 1, 25


def published(service: str, base_model: str) -> PublishedPrice | None:
    """The published price of a base, by the longest id that its own begins with; None if none is known."""
    found = [
        price for price in PUBLISHED if price.service == service and f"{base_model}-".startswith(f"{price.base_model}-")
    ]
    return max(found, key=lambda price: len(price.base_model), default=None)


def auto_epochs(examples: int) -> tuple[int, int]:
    """The range of epochs that a service of OpenAI's shape chooses by itself: its target, and its rule for few or many
    examples."""
    chosen = TARGET_EPOCHS
    if examples * TARGET_EPOCHS < _LEAST_EXAMPLES:
        chosen = min(_MOST_EPOCHS, _LEAST_EXAMPLES // max(examples, 1))
    elif examples * TARGET_EPOCHS > _MOST_EXAMPLES:
        chosen = max(_LEAST_EPOCHS, _MOST_EXAMPLES // examples)
    return min(chosen, TARGET_EPOCHS), max(chosen, TARGET_EPOCHS)
