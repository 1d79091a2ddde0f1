"""Records of the smart mode for screens and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from core.data.conversion.smart.grounding import Flag
from core.messages import Message

STATES: Final = ("ok", "failed", "empty", "duplicate")
CLEAN, TO_CHECK = "clean", "to_check"  # the rows that are ok, without and with a flagged example


@dataclass(frozen=True, slots=True)
class GeneratedExample:
    """An example that a model wrote, with flags for what to review in it."""

    messages: tuple[Message, ...]
    flags: tuple[Flag, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "messages": [message.to_dict() for message in self.messages],
            "flags": [flag.to_dict() for flag in self.flags],
        }

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        flags = tuple(Flag(**flag) for flag in raw.get("flags") or ())
        return cls(tuple(Message.from_dict(item) for item in raw["messages"]), flags)


@dataclass(frozen=True, slots=True)
class RowResult:
    """The result of one row.

    Attributes:
        state: ok, failed (see `reason`), empty (no cells, or nothing written), duplicate (of an earlier row, or of an
            earlier example of this run).
        cost_usd: of every call for the row, including refused answers; None if the price is unknown.
        attempts: number of calls.
        cause: stable word for a failure.
        position: of the row among the readable ones, from 0.
    """

    line: int
    state: str
    reason: str = ""
    examples: tuple[GeneratedExample, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    attempts: int = 0
    cause: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class SmartRowRecord(RowResult):
    """A stored row."""

    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A system message and question patterns to start with, and notes about them for the user.

    `by_model` is False if the model proposed nothing usable and the patterns are made from the column names.
    """

    system: str
    patterns: tuple[str, ...]
    columns: tuple[str, ...]
    model: str
    prompt_version: str
    notes: tuple[str, ...] = ()
    by_model: bool = True
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class SmartEstimate:
    """An estimate for a run. Costs are None if the model's price is unknown: the expected one, and the range around it.
    `basis` names what it is based on."""

    rows: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    basis: str = ""
    price_as_of: str = ""
    low_usd: float | None = None
    high_usd: float | None = None


@dataclass(frozen=True, slots=True)
class SmartPreview:
    """Real examples of the first rows, their cost, and the estimate for all rows based on them."""

    rows: list[RowResult]
    cost_usd: float | None
    estimate: SmartEstimate


@dataclass(frozen=True, slots=True)
class SmartProgress:
    """The progress of a run.

    `done` of `rows` are finished; `examples` were written, `flagged` of them need a review: those of `to_check` of the
    rows that are `ok`. `cost_usd` is None if the price is unknown; a run that `is_free` is charged nothing.
    """

    rows: int
    done: int
    ok: int
    failed: int
    empty: int
    duplicate: int
    examples: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    budget_usd: float | None
    flagged: int
    to_check: int
    is_free: bool

    @property
    def clean(self) -> int:
        """The rows that are ok and have no flagged example."""
        return self.ok - self.to_check
