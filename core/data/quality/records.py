"""A quality report: plain frozen records that are written to a file and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter

from core.data.issues.duplicate_map import DuplicateMap
from core.messages import Severity

FORMAT: Final = 3  # of the files; grows with the checks, so that an older report counts as missing


@dataclass(frozen=True, slots=True)
class Action:
    """A fix as the report offers it.

    Attributes:
        one_click: it needs no further choice and creates a new version at once.
        icon: of its operation, a Material name; "" where it has none.
    """

    id: str
    title: str
    text: str
    one_click: bool
    icon: str = ""


@dataclass(frozen=True, slots=True)
class IssueGroup:
    """One issue that was found: how many examples it affects, what was found, and what to do about it."""

    code: str
    title: str
    severity: Severity
    count: int
    message: str
    remedy: str
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One part of the score: `points` of `of`, and why. `of` is 0 where its check could not run."""

    id: str
    title: str
    points: float
    of: int
    text: str


@dataclass(frozen=True, slots=True)
class QualityReport:
    """How good a version is, and what can be done about it.

    Attributes:
        score: 0 to 100, the share of the points that could be had, rounded.
        grade: the score in words.
        issues: the worklist, the most serious first; empty where nothing was found.
        max_seq_length: tokens, the length that examples were measured against.
        base_model: whose tokenizer counted them; "" where the lengths are estimates (characters / 4).
        notes: what the checks did not examine, and why.
    """

    version_id: str
    examples: int
    score: int
    grade: str
    parts: tuple[ScorePart, ...]
    issues: tuple[IssueGroup, ...]
    max_seq_length: int
    base_model: str = ""
    notes: tuple[str, ...] = ()
    duplicate_map: DuplicateMap = field(default_factory=DuplicateMap)
    computed_at: float = 0.0
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> QualityReport:
        """The report that `to_dict` described. Raises ValueError where it is another one."""
        return _adapter().validate_python(raw)

    def issue(self, code: str) -> IssueGroup | None:
        """The issue of this code, if it was found."""
        return next((issue for issue in self.issues if issue.code == code), None)


@cache
def _adapter() -> TypeAdapter[QualityReport]:
    return TypeAdapter(QualityReport)
