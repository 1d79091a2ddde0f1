"""Frozen records of what is published where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

STUDIO, LLAMA_CPP = "studio", "llama_cpp"  # the engines of the inference process
SERVICE = "service"  # the target of a model that is deployed at the service that trained it


@dataclass(frozen=True, slots=True)
class SmokeAnswer:
    """One input with the greedy answers of the studio and of the target; `place` is the first character that differs,
    -1 where none does."""

    question: str
    studio: str
    target: str
    place: int = -1
    cause: str = ""

    @property
    def equal(self) -> bool:
        return self.place < 0


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """The smoke test of a deployment. `skipped` says why there is none; a speed is None where it is unknown."""

    answers: tuple[SmokeAnswer, ...] = ()
    skipped: str = ""
    studio_tokens_per_s: float | None = None
    target_tokens_per_s: float | None = None
    tested_at: float = 0.0  # Unix seconds

    @property
    def equal(self) -> int:
        """How many answers are equal."""
        return sum(answer.equal for answer in self.answers)

    @property
    def first_difference(self) -> SmokeAnswer | None:
        return next((answer for answer in self.answers if not answer.equal), None)

    @property
    def summary(self) -> str:
        """One sentence for lists."""
        if self.skipped or not self.answers:
            return self.skipped or "Not tested."
        if self.first_difference is None:
            return f"All {len(self.answers)} answers equal the studio's."
        return f"{self.equal} of {len(self.answers)} answers equal the studio's."

    def to_dict(self) -> dict[str, Any]:
        """As the row stores it."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Of a row; {} is a test that never was."""
        known = {name: value for name, value in stored.items() if name in cls.__slots__ and name != "answers"}
        return cls(answers=tuple(SmokeAnswer(**answer) for answer in stored.get("answers", ())), **known)


@dataclass(frozen=True, slots=True)
class DeploymentRecord:
    """A model on a target. `name` is its name there, `address` the server's, "" for what runs in the studio."""

    id: str
    model_id: str
    target: str
    address: str
    name: str
    route: str
    details: dict[str, Any]
    smoke: SmokeTest
    created_at: float
