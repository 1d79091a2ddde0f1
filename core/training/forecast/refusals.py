"""Examples that the base model's chat template refuses, counted before launch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from core.models.refusals import place
from core.text import plural

NAMED: Final = 20  # refusals that are kept with their place; the others are counted
_LISTED: Final = 5  # of these in one sentence


@dataclass(frozen=True, slots=True)
class Refusal:
    """One example: its position in the dataset from 0, its line (0 where there is none), and the template's reason.

    `mergeable`: it is accepted once its system text is in the first input.
    """

    position: int
    line: int
    train: bool
    mergeable: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many examples are refused. `left` counts those that are refused with the system text in the first input too;
    `train` and `left_train` are the same counts of the training split. `first` are the first ones of the dataset."""

    count: int = 0
    train: int = 0
    left: int = 0
    left_train: int = 0
    first: tuple[Refusal, ...] = ()

    @classmethod
    def of(cls, found: Iterable[Refusal]) -> Refusals:
        every = list(found)
        left = [refusal for refusal in every if not refusal.mergeable]
        return cls(
            count=len(every),
            train=sum(refusal.train for refusal in every),
            left=len(left),
            left_train=sum(refusal.train for refusal in left),
            first=tuple(every[:NAMED]),
        )

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Refusals:
        return cls(**{**raw, "first": tuple(Refusal(**item) for item in raw["first"])})

    def left_out(self, on_refusal: str) -> int:
        """Training examples that are not trained on under a policy (`TrainingConfig.on_refusal`)."""
        return {"leave_out": self.train, "merge_system": self.left_train}.get(on_refusal, 0)

    @property
    def text(self) -> str:
        """How many, which, and why; "" where there are none."""
        if not self.first:
            return ""
        listed = ", ".join(place(refusal.position, refusal.line) for refusal in self.first[:_LISTED])
        more = f" and {self.count - _LISTED:,} more" if self.count > _LISTED else ""
        return (
            f"The base model's chat template does not accept {plural(self.count, 'example')}: {listed}{more}. "
            f"{place(self.first[0].position, 0).capitalize()}: {self.first[0].reason}."
        )

    def consequence(self, on_refusal: str) -> str:
        """What becomes of them under a policy, as a sentence."""
        if on_refusal == "leave_out":
            return "They are left out."
        if on_refusal == "merge_system":
            merged = self.count - self.left
            said = f"In {plural(merged, 'example')} the system text goes into the first input" if merged else ""
            rest = f"{plural(self.left, 'example is', 'examples are')} left out" if self.left else ""
            return f"{'; '.join(part for part in (said, rest) if part)}."
        merge = ", or put the system text into the first input (`merge_system`)" if self.left < self.count else ""
        return f"The job will not start: leave them out (`--set on_refusal=leave_out`){merge}."


NONE: Final = Refusals()
