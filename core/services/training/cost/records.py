"""What training costs before it starts, as a range."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The training tokens of one epoch: the expected number and the range that it is in.

    Args:
        exact: the base's own tokenizer and chat template counted every example.
        rule: how they were counted, as the end of a sentence: `counted by SmolLM2 135M`.
    """

    tokens: int
    low: int
    high: int
    exact: bool
    rule: str


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """The range of what a job costs, in US dollars; None where no price is known.

    Args:
        tokens: of one epoch, as expected.
        epochs: fewest and most.
        price_usd: for 1,000,000 training tokens; None if it is not known, or time is paid instead.
        as_of: the day of the price (YYYY-MM-DD), or "".
        exact: nothing in it is estimated but the service's own choices.
        source: where the price is from.
        text: the range, or why there is none: `$1.20 to $2.40`.
        basis: what it is the product of, as a sentence.
        remedy: what to do where no price is known.
        service_usd: the service's own estimate, where it makes one; None if there is none.
        service_text: that estimate beside the range, or why there is none yet, as a sentence; "" if it makes none.
        can_ask: it would estimate if the training file were sent.
    """

    low_usd: float | None
    high_usd: float | None
    tokens: int
    epochs: tuple[int, int]
    price_usd: float | None
    as_of: str
    exact: bool
    source: str
    text: str
    basis: str
    remedy: str = ""
    service_usd: float | None = None
    service_text: str = ""
    can_ask: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "epochs": list(self.epochs)}
