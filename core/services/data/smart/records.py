"""What the smart mode tells screens, command line and API: frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from core.data.conversion.smart.grounding import Flag
from core.messages import Message

STATES: Final = ("ok", "failed", "empty", "duplicate")


@dataclass(frozen=True, slots=True)
class GeneratedExample:
    """An example that a model wrote, and what to look at in it."""

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
    """What became of one row.

    Attributes:
        state: ok, failed (see `reason`), empty (nothing to write from, or nothing written), duplicate (of an earlier
            row, or of an earlier example of this run).
        cost_usd: of every call that was made for the row, refused answers included; None where the price is unknown.
        attempts: calls that were made.
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
class SmartRowRecord:
    """A row as it is kept."""

    position: int
    line: int
    state: str
    reason: str
    examples: tuple[GeneratedExample, ...]
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    attempts: int
    created_at: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """A system message and question patterns to begin with. `notes` says what a person should know about them.

    `by_model` is False where the model proposed nothing usable, and the patterns come from the names of the columns.
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
    """What a run will take. `cost_usd` is None where the model's price is unknown; `basis` says what it rests on."""

    rows: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    basis: str = ""
    price_as_of: str = ""


@dataclass(frozen=True, slots=True)
class SmartPreview:
    """Real examples of the first rows, what they cost, and the estimate for all that rests on them."""

    rows: list[RowResult]
    cost_usd: float | None
    estimate: SmartEstimate


@dataclass(frozen=True, slots=True)
class SmartProgress:
    """How far a run is.

    `rows` is how many there are to do, `done` how many have an end; `examples` counts what was written and kept,
    `flagged` those of them with something to look at. `cost_usd` is None where the price is unknown.
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
